// What becomes of a call when the host's functions are odd, have no end, or have nothing left to work with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Rotator } from '../package/src/index.js';
import { MemoryStore } from '../package/src/testing.js';

const run = promisify(execFile);
const PACKAGE = new URL('../package/src/', import.meta.url).href;
const APPLICATION = { clientId: 'shop', apiEndpoint: 'https://api.test', targets: ['env'] };
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
  assert.equal(await printed(script, { shell }), 'EMFILE\nRotationError store unavailable\nsettled');
});

test('without WebAssembly a call says what to do', async () => {
  const script = `
    // As \`--jitless\` does.
    delete globalThis.WebAssembly;
    const rotator = new Rotator({ applications: [application], store: new MemoryStore() });
    await rotator.status('shop').catch((error) => console.log(error.name, error.message));`;
  assert.match(await printed(script), /^RotationError stopped: .*start node without --jitless/);
});

test('after 10,000 calls there are no more files open, and no more memory is in use, than after 2,000', async (t) => {
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
    await calls(2000);
    const before = await used();
    await calls(8000);
    console.log(JSON.stringify((await used()).map((now, i) => now - before[i])));`;
  const [files, memory, resident] = JSON.parse(await printed(script, { args: ['--expose-gc'] }));
  assert.ok(files <= 0, `${files} files more`);
  assert.ok(memory < 4e6, `${memory} bytes more in use`);
  // An instance has 1.1 MB: of those that are no longer needed none may be there, whatever else the process keeps for later.
  assert.ok(resident < 400e6, `${resident} bytes more resident`);
});
