import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from './failure.js';

const LEFT_BEHIND = 10 * 60_000;

/**
 * A folder for each client id with a file for each revision, readable by its owner alone. A save makes the file with the next number,
 * which succeeds for one of all savers, in other processes too and on network file systems. So there is no lock that a dead process
 * could leave behind; and since Node has none that the Rust program would honour, the two never share records.
 * What can be lost: nothing that was saved, while the disk lives.
 */
export class FileStore {
  #folder;

  constructor(folder) {
    this.#folder = path.resolve(folder);
  }

  async load(clientId) {
    const folder = this.#of(clientId);
    for (;;) {
      const number = Math.max(0, ...(await numbers(folder)));
      if (number === 0) return undefined;
      try {
        return whole(clientId, number, await readFile(path.join(folder, `${number}`)));
      } catch (error) {
        // Replaced since the folder was read: look again.
        if (error.code !== 'ENOENT') throw failure('read', folder, error);
      }
    }
  }

  async save(clientId, document, expected) {
    const folder = this.#of(clientId);
    const stored = await this.load(clientId);
    if (stored?.revision !== expected) throw new Failure('conflict');
    const number = Number.parseInt(stored?.revision ?? '0', 10) + 1;
    const tag = randomBytes(8).toString('hex');
    const temporary = path.join(folder, `${tag}.tmp`);
    const saved = path.join(folder, `${number}`);
    let named = false;
    let all;
    try {
      const made = await mkdir(folder, { recursive: true, mode: 0o700 });
      for (let above = folder; made && above.length >= made.length; above = path.dirname(above)) await sync(path.dirname(above));
      const content = Buffer.concat([Buffer.from(`${digest(clientId, tag, document)} ${tag}\n`), document]);
      await writeFile(temporary, content, { flag: 'wx', mode: 0o600, flush: true });
      // Order matters: the content is on the disk before its name is, or a loss of power leaves an empty record.
      await name(temporary, saved, content);
      named = true;
      await sync(folder);
      all = await numbers(folder);
    } catch (error) {
      if (named) throw new Failure('unavailable', `whether the save took place is not known: ${failure('write in', folder, error).message}`);
      throw failure('write in', folder, error);
    } finally {
      await removed(temporary);
    }
    if (Math.max(...all) > number) {
      // Others have gone on meanwhile: from this save, or so far that its number was free again.
      await removed(saved);
      throw new Failure('unavailable', 'others saved at the same time; whether this save came before theirs is not known');
    }
    // The one before stays, for whoever is about to read it.
    for (const old of all.filter((other) => other < number - 1)) await removed(path.join(folder, `${old}`));
    return `${number}.${tag}`;
  }

  #of(clientId) {
    return path.join(this.#folder, createHash('sha256').update(clientId).digest('hex'));
  }
}

/** Gives the record its name, which one of all savers can. */
async function name(temporary, saved, content) {
  try {
    await link(temporary, saved);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    // A file server whose answer was lost is asked again, and says so of the name that it has just given.
    if (!(await readFile(saved)).equals(content)) throw new Failure('conflict');
  }
}

/** What cannot be removed now is when the record is next used. */
const removed = (file) => rm(file, { force: true }).catch(() => {});

/** The revisions in a folder. What a process left behind that died while it wrote is removed. */
async function numbers(folder) {
  try {
    const entries = await readdir(folder);
    for (const entry of entries.filter((name) => name.endsWith('.tmp'))) {
      const file = path.join(folder, entry);
      const written = await stat(file).catch(() => undefined);
      if (written && Date.now() - written.mtimeMs > LEFT_BEHIND) await removed(file);
    }
    return entries.filter((name) => /^\d+$/.test(name)).map(Number);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw failure('read', folder, error);
  }
}

const digest = (clientId, tag, document) => createHash('sha256').update(`${clientId}\n${tag}\n`).update(document).digest('hex');

/** What was cut or changed, or is another client id's, is not taken for a record. */
function whole(clientId, number, content) {
  const end = Math.max(content.indexOf('\n'), 0);
  const [sum, tag] = content.subarray(0, end).toString().split(' ');
  const document = content.subarray(end + 1);
  if (sum === digest(clientId, tag, document)) return { revision: `${number}.${tag}`, document };
  throw new Failure('other', `the record with the number ${number} is damaged and left as it is; put back a copy, or move it away`);
}

async function sync(folder) {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

function failure(doing, folder, error) {
  if (error instanceof Failure) return error;
  const tag = { ENOSPC: 'full', EDQUOT: 'full', EACCES: 'access-denied', EPERM: 'access-denied', EROFS: 'access-denied' }[error.code];
  return new Failure(tag ?? 'unavailable', `cannot ${doing} ${folder}: ${error.message}`);
}
