// Real HTTP, the real AWS SDK and the file store, against the emulator.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { FileStore, Rotator, Sqs } from '../package/src/index.js';
import { emulator } from './emulator.js';

const ID = 'amzn1.application-oa2-client.shop';
const SECRET = 'amzn1.oa2-cs.v1.enrolled';
const AWS = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

async function shop(t, ...options) {
  const amazon = await emulator(t, '--app', `${ID}=${SECRET}`, '--notification-delay', '0s', ...options);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(folder, { recursive: true }));
  const published = [];
  const events = [];
  let jump = 0;
  const rotator = new Rotator({
    applications: [{ clientId: ID, apiEndpoint: amazon.at, tokenEndpoint: amazon.tokenEndpoint, targets: ['env'] }],
    store: new FileStore(folder),
    queue: new Sqs({ main: amazon.queueUrl }, AWS),
    publish: { put: async (target, { clientSecret }) => { published.push(Buffer.from(clientSecret).toString()); } },
    observe: { emit: (event) => events.push(event) },
    now: () => Date.now() + jump,
  });
  await rotator.enroll(ID, Buffer.from(SECRET));
  const status = await rotator.advance(ID);
  assert.deepEqual([status.state, status.proven, published], ['settled', true, [SECRET]]);
  const calls = async (operation) => (await amazon.admin('calls')).calls.filter((call) => call.operation === operation).length;
  const pass = async (seconds) => {
    jump += seconds * 1000;
    await amazon.admin('time', { advance_seconds: seconds });
  };
  return { amazon, rotator, published, events, calls, pass };
}

test('a whole rotation', async (t) => {
  const { rotator, published, events, calls, amazon } = await shop(t);

  await rotator.request(ID);
  assert.equal((await rotator.advance(ID)).state, 'awaiting');
  const [delivery] = await rotator.drain('main', 10, 20);

  assert.deepEqual([delivery.answer.tag, delivery.status.state, delivery.status.generation], ['delete', 'settled', 2n]);
  const current = await rotator.reveal(ID, 'current');
  assert.equal(Buffer.from(current.clientSecret).toString(), published.at(-1));
  assert.notEqual(published.at(-1), SECRET);
  assert.equal(await calls('rotate'), 1);
  assert.deepEqual(await rotator.drain('main', 10, 0), [], 'the message is gone');
  assert.equal(await rotator.prove(ID), undefined);
  const told = JSON.stringify(events, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
  for (const secret of published) assert.ok(!told.includes(secret), 'rule 9: no secret in an event');
  assert.ok((await amazon.admin('state')), 'the emulator is there to the end');
});

test('rule 2: a lost answer is not asked for again', async (t) => {
  const { rotator, published, calls } = await shop(t, '--fault', 'rotate:lose-answer');

  await rotator.request(ID);
  const status = await rotator.advance(ID);
  assert.deepEqual([status.state, status.problem.cause], ['awaiting', 'answer-lost']);
  await rotator.advance(ID);
  await rotator.drain('main', 10, 20);

  assert.equal(published.length, 2);
  assert.equal(await calls('rotate'), 1);
});

test('rule 3: of many calls at the same time one makes the rotate call', async (t) => {
  const { rotator, calls } = await shop(t);
  await rotator.request(ID);

  const statuses = await Promise.all(Array.from({ length: 5 }, () => rotator.advance(ID)));

  assert.equal(await calls('rotate'), 1);
  assert.ok(statuses.every(({ state }) => ['requesting', 'awaiting'].includes(state)));
  assert.equal((await rotator.status(ID)).state, 'awaiting');
});

test('a new secret that lags is hidden until the next try', async (t) => {
  const { rotator, published, pass } = await shop(t, '--lag', '1h');
  await rotator.request(ID);
  await rotator.advance(ID);

  const [delivery] = await rotator.drain('main', 10, 20);

  assert.equal(delivery.answer.tag, 'hide-until');
  assert.equal(published.length, 1);
  await pass(7200);
  const [again] = await rotator.drain('main', 10, 20);
  assert.deepEqual([again.answer.tag, published.length], ['delete', 2]);
});

for (const [url, region, endpoint, config] of [
  ['https://sqs.eu-west-1.amazonaws.com/1/lwa', 'eu-west-1', 'sqs.eu-west-1.amazonaws.com'],
  ['https://sqs-fips.us-east-2.amazonaws.com/1/lwa', 'us-east-2', 'sqs.us-east-2.amazonaws.com'],
  ['https://sqs.cn-north-1.amazonaws.com.cn/1/lwa', 'cn-north-1', 'sqs.cn-north-1.amazonaws.com.cn'],
  ['https://sqs.us-west-2.api.aws/1/lwa', 'us-west-2', 'sqs.us-west-2.amazonaws.com'],
  ['https://eu-central-1.queue.amazonaws.com/1/lwa', 'eu-central-1', 'sqs.eu-central-1.amazonaws.com'],
  ['https://queue.amazonaws.com/1/lwa', 'us-east-1', 'sqs.us-east-1.amazonaws.com'],
  ['https://vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com/1/lwa', 'eu-west-1', 'vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com'],
  ['https://sqs.eu-west-1.amazonaws.com.evil.example/1/lwa', 'af-south-1', 'sqs.eu-west-1.amazonaws.com.evil.example'],
  ['https://amazonaws.com/1/lwa', 'af-south-1', 'amazonaws.com'],
  ['http://127.0.0.1:9324/0/lwa', 'af-south-1', '127.0.0.1:9324'],
  ['https://sqs.eu-west-1.amazonaws.com/1/lwa', 'eu-west-1', 'queues.test', { endpoint: 'https://queues.test' }],
  ['https://vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com/1/lwa', 'eu-west-1', 'queues.test', { endpoint: 'https://queues.test' }],
  ['http://127.0.0.1:9324/0/lwa', 'af-south-1', 'queues.test', { endpoint: 'https://queues.test' }],
]) {
  test(`the queue ${url}${config ? ' with an endpoint of the config' : ''} is asked for at ${endpoint}, in ${region}`, async () => {
    const asked = [];
    const requestHandler = {
      async handle({ hostname, port, headers }) {
        asked.push([port ? `${hostname}:${port}` : hostname, headers.authorization.split('/')[2]]);
        throw new Error('nobody is there');
      },
    };
    const queue = new Sqs({ main: url }, { ...AWS, region: 'af-south-1', maxAttempts: 1, requestHandler, ...config });
    await assert.rejects(queue.delete('main', 'r'), ({ payload }) => payload.tag === 'unavailable');
    assert.deepEqual(asked, [[endpoint, region]]);
  });
}

test('plain http to a queue is for loopback alone', () => {
  assert.throws(() => new Sqs({ main: 'http://sqs.eu-west-1.amazonaws.com/1/lwa' }), /would not be encrypted/);
});

test('no request goes to a queue in plain http, whatever names the endpoint', async (t) => {
  const url = 'https://sqs.eu-west-1.amazonaws.com/1/lwa';
  const asked = [];
  const requestHandler = { async handle({ hostname }) { asked.push(hostname); throw new Error('nobody is there'); } };
  const receive = (config) => new Sqs({ main: url }, { ...AWS, maxAttempts: 1, requestHandler, ...config }).receive('main', 1, 0, 1);
  t.after(() => { delete process.env.AWS_ENDPOINT_URL_SQS; });

  process.env.AWS_ENDPOINT_URL_SQS = 'http://queues.test:4566';
  await assert.rejects(receive(), ({ payload: { tag, val } }) => tag === 'other' && /http:\/\/queues.test:4566 would not be encrypted/.test(val));
  process.env.AWS_ENDPOINT_URL_SQS = 'http://127.0.0.1:4566';
  await assert.rejects(receive(), ({ payload }) => payload.tag === 'unavailable');
  delete process.env.AWS_ENDPOINT_URL_SQS;
  await assert.rejects(receive({ endpoint: 'http://queues.test' }), ({ payload }) => payload.tag === 'other');
  assert.deepEqual(asked, ['127.0.0.1']);
});

test('the text of a refused signature shows no session token', async (t) => {
  const credentials = { ...AWS.credentials, sessionToken: 'a-session-token' };
  for (const gap of ['\n\n', ' ']) {
    const refuse = (request, response) => {
      const canonical = `The Canonical String for this request should have been${gap}'POST${gap}x-amz-security-token:${request.headers['x-amz-security-token']}`;
      response.writeHead(403, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify({ __type: 'com.amazonaws.sqs#SignatureDoesNotMatch', message: `The signature does not match.${gap}${canonical}` }));
    };
    const server = http.createServer(refuse).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const queue = new Sqs({ main: `http://127.0.0.1:${server.address().port}/1/lwa` }, { ...AWS, credentials, maxAttempts: 1 });
    await assert.rejects(queue.receive('main', 1, 0, 1), ({ payload: { tag, val } }) => {
      assert.match(val, /SignatureDoesNotMatch: The signature does not match\./);
      assert.doesNotMatch(val, /a-session-token/);
      return tag === 'access-denied';
    });
  }
});

test('errors of SQS are told apart', async (t) => {
  const { rotator, amazon } = await shop(t);
  const queue = new Sqs({ main: amazon.queueUrl, none: `${amazon.at}/000000000000/none`, nowhere: 'http://127.0.0.1:9/000000000000/lwa' }, { ...AWS, maxAttempts: 1 });
  const tag = (promise) => promise.then(() => 'no error', (error) => error.payload.tag);

  await assert.rejects(rotator.drain('other', 1, 0), { tag: 'queue' });
  assert.equal(await tag(queue.receive('none', 1, 0, 1)), 'not-found');
  assert.equal(await tag(queue.receive('nowhere', 1, 0, 1)), 'unavailable');
  assert.equal(await tag(queue.hide('main', 'no receipt', 1)), 'stale-receipt');
  await amazon.admin('faults', { fault: 'receive:refuse=AccessDenied' });
  assert.equal(await tag(queue.receive('main', 1, 0, 1)), 'access-denied');
  await amazon.admin('messages', { body: 'anything' });
  const [message] = await queue.receive('main', 1, 0, 30);
  assert.deepEqual([Buffer.from(message.body).toString(), message.receiveCount, typeof message.sentAt], ['anything', 1, 'bigint']);
  await queue.hide('main', message.receiptHandle, 43_200);
  await queue.delete('main', message.receiptHandle);
});
