// The two functions that drive applications, in memory with a clock of their own, and one rotation against the emulator.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Failure, FileStore, Rotator, runUntilSettled, Sqs, visit } from '../package/src/index.js';
import { MemoryQueue, MemoryStore } from '../package/src/testing.js';
import { emulator } from './emulator.js';

const START = Date.UTC(2027, 2, 1);
const DAY = 86_400_000;
const json = (status, body) => ({ status, headers: [], body: Buffer.from(JSON.stringify(body)) });

/** Amazon, as far as a rotation needs it; each rotate call puts `message` into the queue, unless `silent`. Time passes where something waits. */
function world(ids, { silent, store = new MemoryStore() } = {}) {
  let now = START;
  const queue = new MemoryQueue({ now: () => now });
  const calls = [];
  const receive = queue.receive.bind(queue);
  queue.receive = async (name, max, wait, visibility) => {
    const messages = await receive(name, max, wait, visibility);
    if (messages.length === 0) now += wait * 1000;
    return messages;
  };
  const notify = (clientId) => queue.send(JSON.stringify({
    notificationVersion: '1.0',
    notificationType: 'APPLICATION_OAUTH_CLIENT_NEW_SECRET',
    payloadVersion: '2023-11-30',
    eventTime: new Date(now).toISOString(),
    payload: {
      applicationOAuthClientNewSecret: {
        clientId,
        newClientSecret: `new-secret-${calls.length}`,
        newClientSecretExpiryTime: new Date(now + 180 * DAY).toISOString(),
        oldClientSecretExpiryTime: new Date(now + 7 * DAY).toISOString(),
      },
    },
    notificationMetadata: { applicationId: 'a', subscriptionId: 's', publishTime: new Date(now).toISOString(), notificationId: 'n' },
  }));
  const http = {
    async send({ url, headers, body }) {
      now += 100;
      if (url.endsWith('/auth/o2/token')) return json(200, { access_token: `Atc|${new URLSearchParams(Buffer.from(body).toString()).get('client_id')}`, token_type: 'bearer', expires_in: 3600 });
      if (!url.endsWith('/clientSecret')) return json(200, { payload: [] });
      const clientId = Buffer.from(headers.find(({ name }) => name === 'x-amz-access-token').value).toString().slice(4);
      calls.push(clientId);
      if (!silent) notify(clientId);
      return { status: 204, headers: [], body: Buffer.alloc(0) };
    },
  };
  const applications = ids.map((clientId) => ({ clientId, apiEndpoint: 'https://api.test' }));
  const rotator = new Rotator({ applications, store, queue, http, now: () => now });
  return { rotator, calls, notify, queue, now: () => now };
}

test('one application is driven until it is settled, and no further', async () => {
  const { rotator, calls, queue } = world(['shop']);
  await rotator.enroll('shop', Buffer.from('a-secret'));
  assert.equal((await runUntilSettled(rotator, 'shop')).state, 'settled');
  assert.deepEqual(calls, []);

  await rotator.request('shop', true);
  const { state, generation } = await runUntilSettled(rotator, 'shop');
  assert.deepEqual([state, generation, calls, queue.length], ['settled', 2n, ['shop'], 0]);
});

test('a visit takes all applications as far as they go, takes up what came by itself, and notes what failed', async () => {
  const { rotator, calls, notify } = world(['shop', 'other', 'unknown']);
  for (const id of ['shop', 'other']) await rotator.enroll(id, Buffer.from(`a-secret-of-${id}`));
  await rotator.request('shop', true);
  notify('other');

  const { statuses, failures } = await visit(rotator);

  assert.deepEqual(statuses.map(({ clientId, state, generation }) => [clientId, state, generation]), [['shop', 'settled', 2n], ['other', 'settled', 2n]]);
  assert.deepEqual(calls, ['shop']);
  assert.deepEqual(failures.map(({ name, error }) => [name, error.tag]), [['unknown', 'not-enrolled']]);
});

test('a message that does not come is waited for until the time is up', async () => {
  const { rotator, calls, now } = world(['shop'], { silent: true });
  await rotator.enroll('shop', Buffer.from('a-secret'));
  await rotator.request('shop', true);

  const { state } = await runUntilSettled(rotator, 'shop', { timeout: 50 });

  assert.deepEqual([state, calls.length], ['awaiting', 1]);
  assert.ok(now() - START >= 50_000 && now() - START < 75_000, `${now() - START}`);
});

test('what a person has to do is not waited for', async () => {
  const { rotator, calls, queue } = world(['shop']);
  await rotator.enroll('shop', Buffer.from('a-secret'));
  queue.inspect = async () => ({ attributes: { tag: 'err', val: { tag: 'not-found', val: 'no such queue' } }, flow: 'pulled' });
  await rotator.request('shop');

  const { state, problem } = await runUntilSettled(rotator, 'shop');

  assert.deepEqual([state, problem.cause, problem.remedyBy, calls.length], ['requesting', 'queue-blocked', 'person', 0]);
});

test('an application that cannot be driven is an error, and so is a queue that cannot be read while a message is awaited', async () => {
  const { rotator, queue } = world(['shop'], { silent: true });
  await assert.rejects(runUntilSettled(rotator, 'shop'), { tag: 'not-enrolled' });
  await rotator.enroll('shop', Buffer.from('a-secret'));
  await rotator.request('shop', true);
  await runUntilSettled(rotator, 'shop', { timeout: 5 });
  queue.receive = async () => { throw new Failure('access-denied', 'no right to receive'); };
  await assert.rejects(runUntilSettled(rotator, 'shop', { timeout: 0 }), { tag: 'queue' });
  assert.deepEqual((await visit(rotator, { timeout: 0 })).failures.map(({ name }) => name), ['main']);
});

test('a removed record is forgotten, and enrolled again', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const store of [new MemoryStore(), new FileStore(folder)]) {
    const { rotator } = world(['shop'], { store });
    await rotator.enroll('shop', Buffer.from('a-secret'));
    await runUntilSettled(rotator, 'shop');
    await rotator.forget('shop');
    await assert.rejects(rotator.status('shop'), { tag: 'not-enrolled' });
    await rotator.enroll('shop', Buffer.from('another-secret'));
    assert.equal((await runUntilSettled(rotator, 'shop')).generation, 1n);
  }
});

test('against the emulator, a requested rotation is done when the function returns', async (t) => {
  const amazon = await emulator(t, '--app', 'shop=a-secret');
  const rotator = new Rotator({
    applications: [{ clientId: 'shop', apiEndpoint: amazon.at, tokenEndpoint: amazon.tokenEndpoint }],
    store: new MemoryStore(),
    queue: new Sqs({ main: amazon.queueUrl }, { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }),
  });
  await rotator.enroll('shop', Buffer.from('a-secret'));
  await rotator.request('shop', true);
  assert.equal((await runUntilSettled(rotator, 'shop')).generation, 2n);
});
