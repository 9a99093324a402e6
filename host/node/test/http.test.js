// The promises of wit/http.wit.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Failure, Http, Rotator, Sqs } from '../package/src/index.js';
import { application } from '../package/src/application.js';
import { MemoryStore } from '../package/src/testing.js';

/** A server that hands each connection, with what has come, to `serve`; it counts connections and requests. */
async function server(t, serve, listen = (handle) => net.createServer(handle)) {
  const seen = { connections: 0, requests: [] };
  const sockets = new Set();
  const listening = listen((socket) => {
    seen.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      seen.requests.push(data.toString());
      serve(socket);
    });
  }).on('tlsClientError', () => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  return { seen, port: listening.address().port, url: `http://127.0.0.1:${listening.address().port}` };
}

const request = (url, more = {}) => ({ method: 'post', url, headers: [{ name: 'user-agent', value: Buffer.from('shop/1.0') }], body: Buffer.from('a=b'), timeLimit: 5, bodyLimit: 100, ...more });
const answer = (text) => (socket) => socket.end(text);
const rejected = (tag) => (error) => error.payload?.tag === tag || assert.fail(error);

test('a request goes out as it is and its answer comes back as it is', async (t) => {
  const { seen, port, url } = await server(t, answer('HTTP/1.1 429 Slow\r\nX-Amzn-RequestId: r-1\r\nContent-Length: 2\r\n\r\n{}'));

  const response = await new Http([url]).send(request(`${url}/path?q=1`));

  assert.deepEqual([response.status, Buffer.from(response.body).toString()], [429, '{}']);
  assert.deepEqual(response.headers.map(({ name, value }) => [name, value.toString()]), [['x-amzn-requestid', 'r-1'], ['content-length', '2']]);
  const [head, body] = seen.requests[0].split('\r\n\r\n');
  const [line, ...fields] = head.split('\r\n');
  assert.equal(line, 'POST /path?q=1 HTTP/1.1');
  assert.deepEqual(fields.map((field) => field.toLowerCase()).sort(), ['connection: close', 'content-length: 3', `host: 127.0.0.1:${port}`, 'user-agent: shop/1.0']);
  assert.equal(body, 'a=b');
});

test('an origin that is not allowed is refused before a connection is made', async (t) => {
  const { seen, port, url } = await server(t, answer('HTTP/1.1 204 No Content\r\n\r\n'));
  const http = new Http(['https://api.test', 'http://127.0.0.1:1']);

  for (const other of [url, `http://user@127.0.0.1:${port}`, 'http://127.0.0.1:1@evil.test/', 'https://api.test:444/', 'http://api.test/']) {
    await assert.rejects(http.send(request(other)), rejected('forbidden'), other);
  }
  await assert.rejects(http.send(request('nonsense')), rejected('not-sent'));
  assert.equal(seen.connections, 0);
});

test('plain http is for loopback addresses alone', () => {
  for (const url of ['http://api.test', 'http://127.0.0.1.test', 'http://10.0.0.1', 'ftp://127.0.0.1', 'https://user:pw@api.test']) {
    assert.throws(() => new Http([url]), TypeError, url);
  }
  new Http(['http://localhost:1', 'http://[::1]:1', 'http://127.9.9.9']);
});

test('without a connection nothing was sent', async (t) => {
  const { port, url } = await server(t, answer(''));
  const http = new Http(['http://127.0.0.1:1', 'https://nowhere.invalid', `https://127.0.0.1:${port}`]);

  await assert.rejects(http.send(request('http://127.0.0.1:1/')), rejected('not-sent'));
  await assert.rejects(http.send(request('https://nowhere.invalid/')), rejected('not-sent'));
  await assert.rejects(http.send(request(`https://127.0.0.1:${port}/`)), rejected('not-sent'), `TLS with ${url}`);
});

test('TLS works with an authority that is trusted, and without it no request is shown', async (t) => {
  const folder = path.join(import.meta.dirname, '../../../tests/vectors/tls');
  const pem = (name, kind) => `-----BEGIN ${kind}-----\n${readFileSync(path.join(folder, name)).toString('base64')}\n-----END ${kind}-----\n`;
  const options = { cert: pem('localhost.der', 'CERTIFICATE'), key: pem('localhost.key.der', 'PRIVATE KEY') };
  const { seen, port } = await server(t, answer('HTTP/1.1 204 No Content\r\n\r\n'), (handle) => tls.createServer(options, handle));
  const url = `https://localhost:${port}`;

  await assert.rejects(new Http([url]).send(request(`${url}/`)), rejected('not-sent'));
  assert.deepEqual(seen.requests, []);

  // Which authorities are trusted is settled when Node starts.
  const script = `
    import { Http } from ${JSON.stringify(new URL('../package/src/index.js', import.meta.url).href)};
    const sent = { method: 'get', url: '${url}/', headers: [], body: Buffer.alloc(0), timeLimit: 5, bodyLimit: 10 };
    console.log((await new Http(['${url}']).send(sent)).status);`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: path.join(folder, 'authority.pem') };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
  assert.equal(stdout.trim(), '204');
  assert.equal(seen.requests.length, 1);
});

test('a connection that breaks, or an answer that is cut, leaves the outcome unknown', async (t) => {
  for (const text of ['', 'HTTP/1.1 20', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf', 'nonsense\r\n\r\n']) {
    const { seen, url } = await server(t, answer(text));
    await assert.rejects(new Http([url]).send(request(url)), rejected('outcome-unknown'), text);
    assert.equal(seen.requests.length, 1, text);
  }
});

test('an answer that switches protocols, or a connection that ends without one, leaves the outcome unknown', async (t) => {
  for (const text of ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n']) {
    for (const end of [(socket) => socket.write(text), (socket) => socket.end(text)]) {
      const { seen, url } = await server(t, end);
      await assert.rejects(new Http([url]).send(request(url, { timeLimit: 1 })), rejected('outcome-unknown'), text);
      assert.equal(seen.requests.length, 1, text);
    }
  }
});

test('a header that would steer the connection is not sent, nor anything else', async (t) => {
  const { seen, url } = await server(t, answer('HTTP/1.1 204 No Content\r\n\r\n'));
  for (const [name, value] of [['host', 'evil.test'], ['Content-Length', '0'], ['connection', 'upgrade'], ['transfer-encoding', 'chunked'], ['te', 'x'], ['a b', 'c'], ['a', 'b\r\nc: d'], ['a', 'ä']]) {
    const headers = [{ name, value: Buffer.from(value) }, { name: 'x-amz-access-token', value: Buffer.from('Atza|secret') }];
    await assert.rejects(new Http([url]).send(request(url, { headers })), (error) => rejected('not-sent')(error) && !error.message.includes('Atza'), name);
  }
  assert.equal(seen.connections, 0);
});

test('a call ends within its time limit', async (t) => {
  for (const first of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf']) {
    const { url } = await server(t, (socket) => socket.write(first));
    const began = Date.now();
    await assert.rejects(new Http([url]).send(request(url, { timeLimit: 1 })), rejected('outcome-unknown'));
    assert.ok(Date.now() - began < 4000);
  }
});

test('a body longer than the limit is not taken in', async (t) => {
  const { url } = await server(t, answer(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`));
  await assert.rejects(new Http([url]).send(request(url)), rejected('too-large'));
});

test('no answer makes the request go out a second time', async (t) => {
  for (const status of [301, 307, 401, 407, 408, 421, 425, 429, 503]) {
    const { seen, url } = await server(t, answer(`HTTP/1.1 ${status} X\r\nLocation: /elsewhere\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n`));
    const response = await new Http([url]).send(request(url));
    assert.deepEqual([response.status, seen.requests.length, seen.connections], [status, 1, 1]);
  }
});

test('fetch would send it a second time, or hide the answer, and does not tell whether anything had left', async (t) => {
  const { seen, url } = await server(t, answer('HTTP/1.1 421 X\r\nContent-Length: 0\r\n\r\n'));
  const answered = await fetch(url, { method: 'POST', body: 'a=b', redirect: 'manual' }).catch(() => undefined);
  assert.ok(!answered || seen.requests.length === 2, 'fetch does so no more: Http could be built on it, if errors were told apart');

  const { url: broken } = await server(t, answer(''));
  const errors = [];
  for (const at of [broken, 'http://nowhere.invalid']) await fetch(at, { method: 'POST', body: 'a=b' }).catch((error) => errors.push(`${error}`));
  assert.deepEqual(errors, ['TypeError: fetch failed', 'TypeError: fetch failed']);
});

const APPLICATION = { clientId: 'shop', apiEndpoint: 'https://api.test' };
const loading = (load) => new Rotator({ applications: [APPLICATION], store: { load } }).status('shop');

test('what a host function throws by itself is an error of the import and no trap, and its text is not told', async () => {
  const command = promisify(execFile)(process.execPath, ['-e', 'process.exit(3)', 'amzn1.oa2-cs.v1.secret']);
  for (const [thrown, val] of [
    [() => command, 'the host threw Error 3 in load'],
    [() => { throw new TypeError('amzn1.oa2-cs.v1.secret'); }, 'the host threw TypeError in load'],
    [() => { throw 'amzn1.oa2-cs.v1.secret'; }, 'the host threw string in load'],
    [() => { throw undefined; }, 'the host threw undefined in load'],
  ]) {
    await assert.rejects(loading(thrown), { name: 'RotationError', tag: 'store', val: { tag: 'other', val } });
  }
});

test('a failure that the contract does not have, or without its text, is told all the same', async () => {
  for (const [failure, val] of [
    [new Failure('on-fire', 'the disk'), { tag: 'other', val: 'the disk' }],
    [new Failure('on-fire'), { tag: 'other', val: 'on-fire' }],
    [new Failure('unavailable'), { tag: 'unavailable', val: 'unavailable' }],
    [new Failure('too-large'), { tag: 'other', val: 'too-large' }],
  ]) {
    await assert.rejects(loading(() => Promise.reject(failure)), { tag: 'store', val });
  }
});

test('an answer of a host function that is none of the contract stops the call, and shows nothing', async () => {
  for (const entry of [{ document: Buffer.alloc(3) }, { revision: 7, document: Buffer.alloc(3) }, { revision: '1' }, 'amzn1.oa2-cs.v1.secret']) {
    await assert.rejects(loading(async () => entry), (error) => error.name === 'RotationError' && error.tag === 'stopped' && !error.message.includes('oa2-cs'));
  }
  await assert.rejects(loading(async () => undefined), { tag: 'not-enrolled' }, 'the next call works');
});

test('an observer that fails, at once or later, loses its event and nothing else', async (t) => {
  const unhandled = t.mock.fn();
  process.on('unhandledRejection', unhandled);
  t.after(() => process.off('unhandledRejection', unhandled));
  for (const emit of [() => { throw new Error('full'); }, async () => { throw new Error('full'); }]) {
    await new Rotator({ applications: [APPLICATION], store: new MemoryStore(), observe: { emit } }).enroll('shop', Buffer.from('a-secret'));
  }
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(unhandled.mock.callCount(), 0);
});

test('verification of TLS cannot be switched off', async (t) => {
  const folder = path.join(import.meta.dirname, '../../../tests/vectors/tls');
  const pem = (name, kind) => `-----BEGIN ${kind}-----\n${readFileSync(path.join(folder, name)).toString('base64')}\n-----END ${kind}-----\n`;
  const { seen, port } = await server(t, answer(''), (handle) => tls.createServer({ cert: pem('localhost.der', 'CERTIFICATE'), key: pem('localhost.key.der', 'PRIVATE KEY') }, handle));
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.after(() => { delete process.env.NODE_TLS_REJECT_UNAUTHORIZED; });

  await assert.rejects(new Http([`https://localhost:${port}`]).send(request(`https://localhost:${port}/`)), rejected('not-sent'));
  assert.deepEqual(seen.requests, []);
  assert.throws(() => new Sqs({ main: 'https://sqs.eu-west-1.amazonaws.com/1/lwa' }), /NODE_TLS_REJECT_UNAUTHORIZED/);
});

test('a target that hangs counts as failed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let hangs;
  const hanging = new Promise((resolve) => { hangs = resolve; });
  const rotator = new Rotator({
    applications: [{ clientId: 'shop', apiEndpoint: 'https://api.test', targets: ['env'] }],
    store: new MemoryStore(),
    http: { send: async () => ({ status: 200, headers: [], body: Buffer.from('{"access_token":"Atc|1","payload":[]}') }) },
    publish: { put: () => new Promise(hangs) },
  });
  await rotator.enroll('shop', Buffer.from('a-secret'));

  const advanced = rotator.advance('shop');
  await hanging;
  t.mock.timers.tick(105_000);

  const { state, problem } = await advanced;
  assert.deepEqual([state, problem.cause], ['publishing', 'target-failed']);
});

test('a Rotator says what it lacks', () => {
  const applications = [{ clientId: 'shop', apiEndpoint: 'https://api.test' }];
  assert.throws(() => new Rotator({ applications }), /needs a store/);
  assert.throws(() => new Rotator({ store: new MemoryStore() }), /needs applications/);
  assert.throws(() => new Rotator({ applications: [...applications, ...applications], store: new MemoryStore() }), /same client id/);
  assert.throws(() => new Rotator({ applications: [{ clientId: 'shop', apiEndpoint: 'http://api.test' }], store: new MemoryStore() }), /not be encrypted/);
});

test('settings that cannot work are refused at once, and what is undefined has the usual value', () => {
  const made = (more) => new Rotator({ applications: [{ ...APPLICATION, ...more }], store: new MemoryStore() });
  for (const rotateBefore of ['30d', '2592000', 0, 1.5, NaN, null, 173 * 86_400 + 1]) assert.throws(() => made({ rotateBefore }), /'shop': rotateBefore is a whole number/);
  for (const patience of ['1h', 0, 6 * 86_400 + 1]) assert.throws(() => made({ patience }), /patience is a whole number/);
  for (const targets of ['env', [1], {}]) assert.throws(() => made({ targets }), /targets is an array of strings/);
  assert.throws(() => made({ apiEndpoint: undefined }), /apiEndpoint is a string/);
  made({ rotateBefore: 1, patience: 6 * 86_400 });
  assert.deepEqual(application({ ...APPLICATION, rotateBefore: undefined, patience: undefined, targets: undefined, userAgent: { language: undefined } }), application(APPLICATION));
  assert.equal(application(APPLICATION).rotateBefore, 30 * 86_400);
});

test('settings stay as they were given', () => {
  const given = { ...APPLICATION, targets: ['one'], userAgent: { application: 'shop' } };
  const kept = application(given);
  given.targets.push('two');
  given.userAgent.application = 'other';
  assert.deepEqual([kept.targets, kept.userAgent.application], [['one'], 'shop']);
});
