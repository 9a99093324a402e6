// node build.js COMPONENT.wasm [FOLDER]: puts the package together in the folder, otherwise in host/node/package, from the built component and nothing else that
// is built. The version is the workspace's, in Cargo.toml.
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { _addPreopen } from '@bytecodealliance/preview2-shim/filesystem';
import { generateHostTypes } from '@bytecodealliance/jco-transpile';
import { describe } from './describe.js';

const here = import.meta.dirname;
const root = path.join(here, '../..');
const out = path.resolve(process.argv[3] ?? path.join(here, 'package'));
const wasm = path.resolve(process.argv[2]);

await rm(out, { recursive: true, force: true });
await mkdir(path.join(out, 'component'), { recursive: true });
await cp(path.join(here, 'src'), path.join(out, 'src'), { recursive: true });
for (const file of ['LICENSE-APACHE', 'LICENSE-MIT', 'CHANGELOG.md']) await cp(path.join(root, file), path.join(out, file));
await cp(path.join(here, 'README.md'), path.join(out, 'README.md'));
await cp(wasm, path.join(out, 'component/lwa-rotate.wasm'));

const cargo = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
const version = cargo.match(/\[workspace\.package\]\nversion = "(.+)"/)[1];
const { description: contract, core } = describe(await readFile(wasm));
const files = {};
// In the script, so that bundlers need not know of a file.
files['component/component.js'] = `// Made by build.js from the component with the SHA-256 ${contract.component}.
export const version = ${JSON.stringify(version)};
/** Imports and exports, with their types. */
export const contract = ${JSON.stringify(contract)};
/** The core of the component. */
export const core = '${core.toString('base64')}';
`;
// The declarations come from the WIT itself: the items of the built component have no words, which stand at its world as one text.
_addPreopen('/', '/');
const types = await generateHostTypes(path.join(root, 'wit'), { worldName: 'rotator', outDir: 'component', instantiation: 'async' });
for (const [name, content] of Object.entries(types).filter(([name]) => name.includes('/interfaces/lwa-rotation-'))) {
  const text = new TextDecoder().decode(content).replace(/^function /gm, 'declare function ');
  const promising = /-(http|queue|store|publish|rotation)\./.test(name);
  // What the generator does not say: these functions return promises.
  files[name] = promising ? text.replace(/^((?:export )?(?:declare )?function .*\)): (.+);$/gm, '$1: Promise<$2>;') : text;
}
// Each interface by one name, with the promises that stand above it in the WIT.
const capital = (word) => word[0].toUpperCase() + word.slice(1);
let declarations = '';
for (const name of ['rotation', 'http', 'queue', 'store', 'publish', 'observe']) {
  const wit = await readFile(path.join(root, `wit/${name}.wit`), 'utf8');
  const promises = wit.match(/((?:^\/\/\/.*\n)+)@since\(.*\)\ninterface/m)[1].replace(/^\/\/\/ ?/gm, ' * ');
  declarations += `/**\n${promises} */\nexport type ${capital(name)} = typeof import('./interfaces/lwa-rotation-${name}.js');\n`;
}
declarations += "export type { Application as Settings } from './interfaces/lwa-rotation-settings.js';\n";
declarations += "export type { Error as RotationCase, Delivery, Answer, Decision, Stage } from './interfaces/lwa-rotation-rotation.js';\n";
declarations += "export type * from './interfaces/lwa-rotation-types.js';\n";
files['component/contract.d.ts'] = declarations;
for (const [name, content] of Object.entries(files)) {
  await mkdir(path.dirname(path.join(out, name)), { recursive: true });
  await writeFile(path.join(out, name), content);
}

const manifest = JSON.parse(await readFile(path.join(here, 'package.json')));
manifest.version = version;
delete manifest.devDependencies;
delete manifest.allowScripts;
delete manifest.scripts;
await writeFile(path.join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

// Who builds has a umask, and the tarball holds modes.
for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) await chmod(path.join(entry.parentPath ?? entry.path, entry.name), 0o644);
}
