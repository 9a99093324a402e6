// Which component the page is built around, and tested with.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** The component that $LWA_ROTATE_COMPONENT names, or the newest one below target/. */
export async function component() {
  if (process.env.LWA_ROTATE_COMPONENT) return path.resolve(process.env.LWA_ROTATE_COMPONENT);
  const builds = path.join(import.meta.dirname, '../../target/debug/build');
  const found = [];
  for (const name of await readdir(builds).catch(() => [])) {
    const file = path.join(builds, name, 'out/component.wasm');
    const { mtimeMs } = await stat(file).catch(() => ({}));
    if (mtimeMs) found.push({ file, mtimeMs });
  }
  found.sort((one, other) => other.mtimeMs - one.mtimeMs);
  if (!found[0]) throw new Error('no component: run `cargo build -p lwa-rotate` first, or name the file');
  return found[0].file;
}
