// What becomes of a call when the host's functions are odd, have no end, or have nothing left to work with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Failure, Rotator } from '../package/src/index.js';
import { MemoryStore } from '../package/src/testing.js';

const run = promisify(execFile);
const PACKAGE = new URL('../package/src/', import.meta.url).href;
const APPLICATION = { clientId: 'shop', apiEndpoint: 'https://api.test', targets: [{ name: 'env' }] };
const accepting = { send: async () => ({ status: 200, headers: [], body: Buffer.from('{"access_token":"Atc|1","payload":[]}') }) };

/** What a script of its own prints. */
async function printed(script, { args = [], shell } = {}) {
  const text = `
    import { FileStore, Rotator } from '${PACKAGE}index.js';
    import { MemoryStore } from '${PACKAGE}testing.js';
    const application = ${JSON.stringify(APPLICATION)};
    const accepting = ${accepting.send};
    ${script}`;
  const command = [process.execPath, ...args, '--input-type=module', '-e', text];
  const { stdout } = await (shell ? run('sh', ['-c', shell, ...command]) : run(command[0], command.slice(1)));
  return stdout.trim();
}

test('a script that waits for nothing but a target that never ends hears how it ended', async () => {
  const script = (put) => `
    // Time passes a thousand times as fast.
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (run, ms, ...more) => setTimeout(run, ms / 1000, ...more);
    const publish = { put: () => ${put} };
    const rotator = new Rotator({ applications: [application], store: new MemoryStore(), http: { send: accepting }, publish });
    rotator.enroll('shop', Buffer.from('a-secret')).then(() => rotator.advance('shop')).then(({ state, problem }) => console.log(state, problem?.cause));`;
  assert.equal(await printed(script('new Promise(() => {})')), 'publishing target-failed');
  assert.equal(await printed(script('Promise.resolve()')), 'settled undefined');
});

test('a target whose place cannot be read is unreadable, and one that can is read', async () => {
  let now = Date.UTC(2027, 0, 1);
  const read = async (publish) => {
    const rotator = new Rotator({ applications: [APPLICATION], store: new MemoryStore(), http: accepting, publish, now: () => now });
    await rotator.enroll('shop', Buffer.from('a-secret'));
    await rotator.advance('shop');
    now += 5 * 60_000;
    const { targets: [{ holdsCurrent, readAt, failure }] } = await rotator.advance('shop');
    return [holdsCurrent, readAt !== undefined, failure];
  };
  let held;
  const put = async (target, credential) => { held = { tag: 'credential', val: { ...credential, clientSecret: credential.clientSecret.slice() } }; };
  assert.deepEqual(await read({ put }), [true, false, undefined]);
  assert.deepEqual(await read({ put, read: async () => held }), [true, true, undefined]);
  const refused = await read({ put, async read() { throw new Failure('unavailable', 'the vault is sealed'); } });
  assert.match(refused[2], /the vault is sealed/);
});

test('an inspection that fails is one whose facts are missing', async () => {
  const checked = (queue) => new Rotator({ applications: [APPLICATION], store: new MemoryStore(), queue }).checkQueue('main');
  for (const [queue, severity, evidence] of [
    [{ async inspect() { throw new Failure('unavailable', 'no line to SQS'); } }, 'doubtful', /no line to SQS/],
    [{ async inspect() { throw new TypeError('amzn1.oa2-cs.v1.secret'); } }, 'doubtful', /^the host threw TypeError in inspect$/],
    [{}, 'doubtful', /TypeError/],
    [undefined, 'not-checked', /has no access to the queue 'main'/],
  ]) {
    const [finding, ...more] = await checked(queue);
    assert.deepEqual([finding.check, finding.severity, more], ['reachable', severity, []]);
    assert.match(finding.evidence, evidence);
  }
});

test('so does one whose store, queue or HTTP client never ends', async () => {
  const script = (options, call) => `
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (run, ms, ...more) => setTimeout(run, ms / 1000, ...more);
    const never = () => new Promise(() => {});
    const rotator = new Rotator({ applications: [application], store: new MemoryStore(), ...${options} });
    rotator.enroll('shop', Buffer.from('a-secret')).then(() => rotator.${call}).then((it) => console.log(it.problem?.cause), (error) => console.log(error.tag, error.val.tag));`;
  assert.equal(await printed(script('{ store: { load: never } }', "status('shop')")), 'store unavailable');
  assert.equal(await printed(script('{ queue: { receive: never } }', "drain('main', 1, 0)")), 'queue unavailable');
  assert.match(await printed(script('{ http: { send: never } }', "advance('shop')")), /^[a-z-]+$/);
});

test('a target that answers what has yet to be run has not taken the secret', async () => {
  const taken = [];
  const put = (target, { clientSecret }) => taken.push(Buffer.from(clientSecret).toString());
  for (const [odd, holds] of [
    [function* generator(...args) { put(...args); }, false],
    [async function* generator(...args) { put(...args); }, false],
    [(...args) => () => put(...args), false],
    [(...args) => [Promise.resolve(args)], false],
    [async (...args) => { put(...args); return { answered: 'by a client' }; }, true],
    [async (...args) => put(...args), true],
    [(...args) => { put(...args); }, true],
  ]) {
    const events = [];
    const observe = { emit: ({ what }) => events.push(what) };
    const rotator = new Rotator({ applications: [APPLICATION], store: new MemoryStore(), http: accepting, publish: { put: odd }, observe });
    await rotator.enroll('shop', Buffer.from('a-secret'));
    const { state, targets } = await rotator.advance('shop');
    assert.deepEqual([state, targets[0].holdsCurrent], holds ? ['settled', true] : ['publishing', false], `${odd}`);
    const failed = events.find(({ tag }) => tag === 'not-published');
    if (!holds) assert.match(failed.val.failure, /make it an async function that answers nothing/);
  }
  assert.equal(taken.length, 3);
});

test('without a file to open the first call fails as a call does, and the next one works', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(folder, { recursive: true }));
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const rotator = new Rotator({ applications: [application], store: new FileStore(${JSON.stringify(folder)}) });
    const open = [];
    try { for (;;) open.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
    await rotator.status('shop').catch((error) => console.log(error.name, error.tag, error.val.tag));
    open.forEach(closeSync);
    await rotator.enroll('shop', Buffer.from('a-secret')).then(({ state }) => console.log(state));`;
  const shell = 'ulimit -n 200; exec "$0" "$@"';
  assert.equal(await printed(script, { shell }), 'EMFILE\nRotationError store unavailable\nverifying');
});

test('without WebAssembly a call says what to do', async () => {
  // Node 22 misses it too, in its own fetch.
  const args = ['--jitless', '--unhandled-rejections=warn'];
  const script = `
    const rotator = new Rotator({ applications: [application], store: new MemoryStore() });
    await rotator.status('shop').catch((error) => console.log(error.name, error.message));`;
  assert.match(await printed(script, { args }), /^RotationError stopped: .*start node without --jitless/);
});

test('after 2,500 calls there are no more files open, and no more memory is in use, than after 500', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(folder, { recursive: true }));
  const script = `
    import { readdirSync } from 'node:fs';
    const rotator = new Rotator({ applications: [application], store: new FileStore(${JSON.stringify(folder)}) });
    await rotator.enroll('shop', Buffer.from('a-secret'));
    const used = async () => {
      // What an instance holds goes a turn after the instance.
      for (let turn = 0; turn < 5; turn += 1) {
        gc();
        await new Promise(setImmediate);
      }
      const { heapUsed, external, rss } = process.memoryUsage();
      return [readdirSync('/proc/self/fd').length, heapUsed + external, rss];
    };
    const calls = async (count) => { for (let i = 0; i < count; i += 10) await Promise.all(Array.from({ length: 10 }, () => rotator.status('shop'))); };
    await calls(500);
    const before = await used();
    await calls(2000);
    console.log(JSON.stringify((await used()).map((now, i) => now - before[i])));`;
  const [files, memory, resident] = JSON.parse(await printed(script, { args: ['--expose-gc'] }));
  assert.ok(files <= 0, `${files} files more`);
  assert.ok(memory < 4e6, `${memory} bytes more in use`);
  // An instance has 1.1 MB: of those that are no longer needed none may be there, whatever else the process keeps for later.
  assert.ok(resident < 400e6, `${resident} bytes more resident`);
});
