// node build.mjs [COMPONENT.wasm]: puts the page together in dist/, static files alone. Without an argument it takes $LWA_ROTATE_COMPONENT,
// or the newest component that cargo has built.
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transpile } from '@bytecodealliance/jco-transpile';
import { component } from './component.mjs';
import { readComponent } from './src/binary.js';

const here = import.meta.dirname;
const dist = path.join(here, 'dist');

// The imports that may take their time, and all exports, since they call those.
const CONTRACT = 'lwa:rotation/';
const asyncImports = ['http#send', 'queue#receive', 'queue#delete', 'queue#hide', 'store#load', 'store#save', 'publish#put']
  .map((name) => CONTRACT + name.replace('#', '@0.1.0#'));
const asyncExports = ['enroll', 'advance', 'deliver', 'drain', 'request', 'resume', 'status', 'prove', 'reveal']
  .map((name) => `${CONTRACT}rotation@0.1.0#${name}`);

const file = process.argv[2] ? path.resolve(process.argv[2]) : await component();
const bytes = await readFile(file);
const options = { outDir: '', instantiation: 'async', emitTypescriptDeclarations: false, minify: true };
const { files } = await transpile(file, { ...options, name: 'rotator', asyncMode: 'jspi', asyncImports, asyncExports });
// For browsers that cannot suspend WebAssembly; see src/replay.js.
const { files: sync } = await transpile(file, { ...options, name: 'rotator-sync' });

// The page cuts the core modules out of the component itself, so they have to be the ones that jco means.
const { modules } = readComponent(new Uint8Array(bytes));
const cores = Object.keys(files).filter((name) => name.endsWith('.wasm'));
for (const [place, module] of modules.entries()) {
  const name = `rotator.core${place ? place + 1 : ''}.wasm`;
  if (!cores.includes(name) || Buffer.compare(Buffer.from(files[name]), module) !== 0) {
    throw new Error(`${name} is not in the component as jco has written it`);
  }
}
if (cores.length !== modules.length) throw new Error('jco has made core modules that are not in the component');

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await cp(path.join(here, 'src'), dist, { recursive: true });
await writeFile(path.join(dist, 'rotator.js'), files['rotator.js']);
await writeFile(path.join(dist, 'rotator-sync.js'), sync['rotator-sync.js']);
await writeFile(path.join(dist, 'component-bytes.js'), `export const COMPONENT = '${bytes.toString('base64')}';\n`);
await writeFile(path.join(dist, 'lwa-rotate.wasm'), bytes);
console.log(`dist/ runs ${createHash('sha256').update(bytes).digest('hex')}, ${bytes.length} bytes`);
