// The promises of wit/store.wit.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { FileStore } from '../package/src/index.js';
import { MemoryStore } from '../package/src/testing.js';

const tagged = (tag) => (error) => error.payload?.tag === tag || assert.fail(error);
const conflict = tagged('conflict');
const text = async (store, id) => {
  const kept = await store.load(id);
  return kept && Buffer.from(kept.document).toString();
};

async function folder(t) {
  const made = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(made, { recursive: true }));
  return path.join(made, 'state');
}

async function files(store) {
  const all = await readdir(store, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

for (const [name, make] of [['file', async (t) => new FileStore(await folder(t))], ['memory', async () => new MemoryStore()]]) {
  test(`the ${name} store replaces the revision that is named, or nothing`, async (t) => {
    const store = await make(t);
    assert.equal(await store.load('a'), undefined);
    await assert.rejects(store.save('a', Buffer.from('x'), '1'), conflict);
    const first = await store.save('a', Buffer.from('one'), undefined);
    await assert.rejects(store.save('a', Buffer.from('x'), undefined), conflict);
    const second = await store.save('a', Buffer.from('two'), first);
    await assert.rejects(store.save('a', Buffer.from('x'), first), conflict, 'a save that took place');
    assert.deepEqual([(await store.load('a')).revision, await text(store, 'a'), await store.load('A')], [second, 'two', undefined]);
    const large = Buffer.alloc(65_536, 7);
    await store.save('a', large, second);
    assert.deepEqual(Buffer.from((await store.load('a')).document), large);
  });

  test(`of savers of one revision at the same time one succeeds in the ${name} store`, async (t) => {
    const store = await make(t);
    let revision;
    for (let round = 0; round < 20; round += 1) {
      const saves = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => store.save('a', Buffer.from(`${round}/${i}`), revision)));
      const won = saves.flatMap((save, i) => (save.status === 'fulfilled' ? [i] : []));
      assert.equal(won.length, 1);
      assert.equal(await text(store, 'a'), `${round}/${won[0]}`);
      revision = saves[won[0]].value;
    }
  });
}

test('processes that count together in the file store lose no step', async (t) => {
  const state = await folder(t);
  const script = `
    import { FileStore } from ${JSON.stringify(new URL('../package/src/index.js', import.meta.url).href)};
    const store = new FileStore(${JSON.stringify(state)});
    for (let done = 0; done < 25;) {
      const kept = await store.load('a');
      const count = Number(Buffer.from(kept?.document ?? '0').toString());
      try {
        await store.save('a', Buffer.from(String(count + 1)), kept?.revision);
        done += 1;
      } catch (error) {
        if (!['conflict', 'unavailable'].includes(error.payload?.tag)) throw error;
        // It may have taken place: then it counts.
        if (error.payload.tag === 'unavailable') process.stdout.write('?');
      }
    }`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const outputs = await Promise.all(Array.from({ length: 4 }, run));
  const unknown = outputs.map(({ stdout }) => stdout).join('').length;
  const count = Number(await text(new FileStore(state), 'a'));
  assert.ok(count >= 100 && count <= 100 + unknown, `${count}, ${unknown} unknown`);
});

test('files are readable by their owner alone, and only two revisions stay', async (t) => {
  const state = await folder(t);
  const store = new FileStore(state);
  let revision;
  for (let i = 0; i < 5; i += 1) revision = await store.save('a', Buffer.from(`${i}`), revision);
  const kept = await files(state);
  assert.equal(kept.length, 2);
  for (const file of kept) assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(state)).mode & 0o777, 0o700);
  assert.equal((await stat(path.dirname(kept[0]))).mode & 0o777, 0o700);
});

test('a damaged file is not taken for a record and not overwritten', async (t) => {
  const state = await folder(t);
  const store = new FileStore(state);
  await store.save('a', Buffer.from('the document'), undefined);
  const [file] = await files(state);
  const whole = await readFile(file);
  for (const damaged of [whole.subarray(0, -1), whole.subarray(0, 10), Buffer.alloc(0), Buffer.concat([whole, Buffer.from('x')]), Buffer.from(whole.toString().replace('the', 'tha'))]) {
    await writeFile(file, damaged);
    await assert.rejects(store.load('a'), tagged('other'));
    await assert.rejects(store.save('a', Buffer.from('x'), undefined), tagged('other'));
    assert.deepEqual(await readFile(file), damaged);
  }
});

test('a saver that was left far behind changes nothing that counts', async (t) => {
  const state = await folder(t);
  const store = new FileStore(state);
  const first = await store.save('a', Buffer.from('1'), undefined);
  let revision = first;
  // It has read the first revision; before it writes, others go on so far that the second one's number is free again.
  const slow = new FileStore(state);
  const load = slow.load;
  slow.load = async (id) => {
    const kept = await load.call(slow, id);
    for (let i = 2; i <= 5; i += 1) revision = await store.save('a', Buffer.from(`${i}`), revision);
    return kept;
  };
  await assert.rejects(slow.save('a', Buffer.from('slow'), first), tagged('unavailable'));
  assert.deepEqual([await text(store, 'a'), (await store.load('a')).revision, (await files(state)).length], ['5', revision, 2]);
});

test('what a dead process left behind is removed in time', async (t) => {
  const state = await folder(t);
  const store = new FileStore(state);
  await store.save('a', Buffer.from('1'), undefined);
  const left = path.join(path.dirname((await files(state))[0]), 'dead.tmp');
  await writeFile(left, 'half');
  await store.load('a');
  assert.equal((await files(state)).length, 2, 'somebody may still be writing it');
  await utimes(left, 0, 0);
  await store.load('a');
  assert.equal((await files(state)).length, 1);
});

test('a failure once the record has its name leaves it open whether the save took place', async (t) => {
  const state = await folder(t);
  const store = new FileStore(state);
  const first = await store.save('a', Buffer.from('1'), undefined);
  const handle = await open(state);
  const kind = Object.getPrototypeOf(handle);
  await handle.close();
  for (const code of ['ENOSPC', 'EACCES']) {
    const { revision } = await store.load('a');
    // The file is synced first, then the folder that its name is in.
    const { mock } = t.mock.method(kind, 'sync');
    mock.mockImplementationOnce(async () => { throw Object.assign(new Error('no'), { code }); }, 1);
    await assert.rejects(store.save('a', Buffer.from(code), revision), tagged('unavailable'));
    assert.equal(mock.callCount(), 2);
    mock.restore();
    assert.equal(await text(store, 'a'), code);
    assert.notEqual((await store.load('a')).revision, first);
  }
  assert.deepEqual((await files(state)).filter((file) => file.endsWith('.tmp')), []);
});

/** A file server that gives a name and whose answer is lost: asked again, it says that the name is there. `meanwhile` happens in between. */
function losesAnswer(t, meanwhile = async () => {}) {
  const { link } = fs.promises;
  const { mock } = t.mock.method(fs.promises, 'link', async (from, to) => {
    mock.restore();
    syncBuiltinESMExports();
    await link(from, to);
    await meanwhile();
    await link(from, to);
  });
  syncBuiltinESMExports();
}

test('a save whose answer was lost on its way from the file server is a save, and no conflict', async (t) => {
  const store = new FileStore(await folder(t));
  losesAnswer(t);
  const first = await store.save('a', Buffer.from('1'), undefined);
  assert.deepEqual([await text(store, 'a'), (await store.load('a')).revision], ['1', first]);
  losesAnswer(t);
  await store.save('a', Buffer.from('2'), first);
  assert.equal(await text(store, 'a'), '2');
});

test('a save whose answer was lost, and which others have replaced since, is of unknown outcome', async (t) => {
  const store = new FileStore(await folder(t));
  const first = await store.save('a', Buffer.from('1'), undefined);
  losesAnswer(t, async () => {
    let { revision } = await store.load('a');
    for (const document of ['3', '4', '5']) revision = await store.save('a', Buffer.from(document), revision);
  });
  await assert.rejects(store.save('a', Buffer.from('2'), first), tagged('unavailable'));
  assert.equal(await text(store, 'a'), '5');
});

test('a folder that cannot be used is told', async (t) => {
  const state = await folder(t);
  await writeFile(state, 'a file');
  await assert.rejects(new FileStore(state).save('a', Buffer.from('x'), undefined), tagged('unavailable'));
});
