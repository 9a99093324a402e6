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
    applications: [{ clientId: ID, apiEndpoint: amazon.at, tokenEndpoint: amazon.tokenEndpoint, targets: [{ name: 'env' }] }],
    store: new FileStore(folder),
    queue: new Sqs({ main: amazon.queueUrl }, AWS),
    publish: { put: async (target, { clientSecret }) => { published.push(Buffer.from(clientSecret).toString()); } },
    observe: { emit: (event) => events.push(event) },
    now: () => Date.now() + jump,
  });
  await rotator.enroll(ID, Buffer.from(SECRET));
  const status = await rotator.advance(ID);
  assert.deepEqual([status.state, status.verified, published], ['settled', true, [SECRET]]);
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
  const { deliveries: [delivery] } = await rotator.drain('main', 10, 20);

  assert.deepEqual([delivery.answer.tag, delivery.status.state, delivery.status.generation], ['delete', 'settled', 2n]);
  const current = await rotator.reveal(ID, 'current');
  assert.equal(Buffer.from(current.clientSecret).toString(), published.at(-1));
  assert.notEqual(published.at(-1), SECRET);
  assert.equal(await calls('rotate'), 1);
  assert.deepEqual(await rotator.drain('main', 10, 1), { deliveries: [], more: false }, 'the message is gone');
  assert.equal(await rotator.verify(ID), undefined);
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

  const { deliveries: [delivery] } = await rotator.drain('main', 10, 20);

  assert.equal(delivery.answer.tag, 'hide-until');
  assert.equal(published.length, 1);
  await pass(7200);
  const { deliveries: [again] } = await rotator.drain('main', 10, 20);
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
  assert.deepEqual([Buffer.from(message.body).toString(), message.receiveCount], ['anything', 1]);
  await queue.hide('main', message.receiptHandle, 43_200);
  await queue.delete('main', message.receiptHandle);
});

/** An `Sqs` whose requests are answered by `attributes`, and its inspection. */
async function inspected(attributes, options, url = 'https://sqs.eu-west-1.amazonaws.com/1/lwa') {
  const server = http.createServer((request, response) => {
    const [status, body] = attributes instanceof Array ? attributes : [200, { Attributes: attributes }];
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const queue = new Sqs({ main: url }, { ...AWS, maxAttempts: 1, endpoint: `http://127.0.0.1:${server.address().port}` }, options);
  return queue.inspect('main').finally(() => server.close());
}

test('the attributes of a queue come as SQS has them, and its own key where KMS may be asked', async (t) => {
  const asked = [];
  const kms = (region) => ({
    async describeKey(input) {
      asked.push([region, 'describeKey', input.KeyId]);
      return { KeyMetadata: { Arn: 'arn:aws:kms:eu-west-1:1:key/k', KeyState: 'Enabled', KeyManager: 'CUSTOMER' } };
    },
    async getKeyPolicy(input) {
      asked.push([region, 'getKeyPolicy', input.KeyId]);
      throw Object.assign(new Error('User: me is not authorized\nX-Amz-Security-Token: t'), { name: 'AccessDeniedException' });
    },
  });
  const attributes = { QueueArn: 'arn:aws:sqs:eu-west-1:1:lwa', KmsMasterKeyId: 'alias/lwa' };

  assert.deepEqual(await inspected(attributes, { kms, flow: 'pushed' }), {
    attributes: { tag: 'ok', val: [{ name: 'QueueArn', value: attributes.QueueArn }, { name: 'KmsMasterKeyId', value: 'alias/lwa' }] },
    key: {
      description: { tag: 'ok', val: { arn: 'arn:aws:kms:eu-west-1:1:key/k', state: 'Enabled', managedByAws: false } },
      policy: { tag: 'err', val: { tag: 'denied', val: 'the key alias/lwa: AccessDeniedException: User: me is not authorized' } },
    },
    flow: 'pushed',
  });
  assert.deepEqual(asked, [['eu-west-1', 'describeKey', 'alias/lwa'], ['eu-west-1', 'getKeyPolicy', 'arn:aws:kms:eu-west-1:1:key/k']]);

  const { key: { description, policy } } = await inspected(attributes);
  assert.deepEqual([description, policy], Array(2).fill({ tag: 'err', val: { tag: 'denied', val: 'this host has no client for KMS, so it did not ask about the key alias/lwa' } }));
  for (const KmsMasterKeyId of [undefined, '', 'alias/aws/sqs', 'arn:aws:kms:eu-west-1:1:alias/aws/sqs']) {
    assert.equal((await inspected({ ...attributes, KmsMasterKeyId }, { kms })).key, undefined, KmsMasterKeyId);
  }
  assert.throws(() => new Sqs({}, AWS, { flow: 'both' }), /flow is/);
});

test('what SQS or KMS refuses, or does not answer, is a gap of the inspection', async () => {
  const error = (status, type) => [status, { __type: `com.amazonaws.sqs#${type}`, message: 'no' }];
  for (const [status, type, gap] of [[400, 'QueueDoesNotExist', 'not-found'], [403, 'AccessDeniedException', 'denied'], [503, 'ServiceUnavailable', 'unreachable'], [400, 'Strange', 'unreachable']]) {
    const { attributes, key, flow } = await inspected(error(status, type));
    assert.deepEqual([attributes.tag, attributes.val.tag, key, flow], ['err', gap, undefined, 'pulled'], type);
    assert.match(attributes.val.val, new RegExp(type));
  }
  for (const [name, gap] of [['NotFoundException', 'not-found'], ['AccessDeniedException', 'denied'], ['TimeoutError', 'unreachable']]) {
    const fail = async () => { throw Object.assign(new Error('no'), { name }); };
    const { key } = await inspected({ KmsMasterKeyId: 'k' }, { kms: () => ({ describeKey: fail, getKeyPolicy: fail }) });
    assert.deepEqual([key.description.val.tag, key.policy.val.tag], [gap, gap], name);
  }
});

test('the emulated queue is as it should be, and one that does not exist is a fact that blocks', async (t) => {
  const amazon = await emulator(t, '--app', `${ID}=${SECRET}`);
  const applications = [{ clientId: ID, apiEndpoint: amazon.at, tokenEndpoint: amazon.tokenEndpoint }];
  const checked = (url) => new Rotator({ applications, store: new FileStore('unused'), queue: new Sqs({ main: url }, AWS) }).checkQueue('main');
  const severities = (await checked(amazon.queueUrl)).map(({ check, severity }) => `${check} ${severity}`);
  assert.ok(severities.length >= 9 && severities.every((one) => one.endsWith(' fine')), severities.join());
  const [{ check, severity }] = await checked(`${amazon.at}/000000000000/none`);
  assert.deepEqual([check, severity], ['reachable', 'blocking']);
});
