// The package as others have it: packed, and installed where nothing else is.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { root } from './emulator.js';

export const run = promisify(execFile);
export const here = path.join(root, 'host/node');
export const built = path.join(here, 'package');
export const manifest = JSON.parse(await readFile(path.join(built, 'package.json')));

export async function folder(t) {
  const made = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

/** The files of the package, with their content. */
export async function packed(into, cwd = built) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into], { cwd });
  const [{ filename, files }] = [JSON.parse(stdout)].flat().map((one) => one[manifest.name] ?? one);
  return { file: path.join(into, filename), names: files.map((file) => file.path) };
}

/** A folder in which the package is installed as others install it, with the README's example. */
async function project() {
  const place = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  const { file } = await packed(place);
  const readme = await readFile(path.join(here, 'README.md'), 'utf8');
  const example = readme.match(/```js\n([\s\S]*?)```/)[1];
  await writeFile(path.join(place, 'rotate.mjs'), example);
  // CommonJS has no `await` outside of functions.
  await writeFile(path.join(place, 'function.mjs'), example.replace(/((?:^(?:\/\/|import ).*\n)+)([\s\S]*)/m, '$1(async () => {\n$2})();\n'));
  await writeFile(path.join(place, 'package.json'), '{}');
  await run('npm', ['install', '--no-audit', '--no-fund', file], { cwd: place });
  return place;
}

let installed;
export const place = () => (installed ??= project());
after(async () => { if (installed) await rm(await installed, { recursive: true }); });
export const tool = (name) => path.join(here, 'node_modules/.bin', name);

