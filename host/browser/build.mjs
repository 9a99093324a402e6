// node build.mjs [COMPONENT.wasm]: puts the page together in dist/, static files alone. Without an argument it takes $LWA_ROTATE_COMPONENT,
// or the newest component that cargo has built.
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe } from '../node/describe.js';
import { component } from './component.mjs';

const here = import.meta.dirname;
const dist = path.join(here, 'dist');

const bytes = await readFile(process.argv[2] ? path.resolve(process.argv[2]) : await component());
const { description, core } = describe(bytes);

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await cp(path.join(here, 'src'), dist, { recursive: true });
// What carries values across is the Node host's.
for (const name of ['carrier.js', 'kinds.js']) await cp(path.join(here, '../node/src', name), path.join(dist, name));
await writeFile(path.join(dist, 'component-bytes.js'), `export const COMPONENT = '${bytes.toString('base64')}';
/** What it imports and exports, with the types. */
export const CONTRACT = ${JSON.stringify(description)};
/** Where its core is in it: from this byte to that. */
export const CORE = [${core.byteOffset - bytes.byteOffset}, ${core.byteOffset - bytes.byteOffset + core.length}];
`);
await writeFile(path.join(dist, 'lwa-rotate.wasm'), bytes);
console.log(`dist/ runs ${createHash('sha256').update(bytes).digest('hex')}, ${bytes.length} bytes`);
