// What is in the package, and that it works where nothing else is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { emulator, root } from './emulator.js';

const run = promisify(execFile);
const here = path.join(root, 'host/node');
const built = path.join(here, 'package');
const digest = async (file) => createHash('sha256').update(await readFile(file)).digest('hex');
const manifest = JSON.parse(await readFile(path.join(built, 'package.json')));

async function folder(t) {
  const made = await mkdtemp(path.join(os.tmpdir(), 'lwa-rotate-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

/** The files of the package, with their content. */
async function packed(into, cwd = built) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into], { cwd });
  const [{ filename, files }] = [JSON.parse(stdout)].flat().map((one) => one[manifest.name] ?? one);
  return { file: path.join(into, filename), names: files.map((file) => file.path) };
}

const component = path.join(built, 'component/lwa-rotate.wasm');

test('the component is the one of the Rust build, byte for byte, and what runs is its core', async () => {
  assert.equal(await digest(component), await digest(process.env.COMPONENT));
  const { contract, core } = await import('../package/component/component.js');
  assert.equal(contract.component, await digest(component));
  const whole = await readFile(component);
  const module = Buffer.from(core, 'base64');
  assert.ok(module.length > whole.length / 2 && whole.includes(module));
});

test('the version is that of the workspace, and everything that belongs to a package is in it', async (t) => {
  const cargo = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
  assert.ok(cargo.includes(`[workspace.package]\nversion = "${manifest.version}"`));
  const { names } = await packed(await folder(t));
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT', 'CHANGELOG.md', 'README.md', 'src/index.js', 'src/index.d.ts', 'component/lwa-rotate.wasm', 'component/contract.d.ts']) {
    assert.ok(names.includes(name), name);
  }
  assert.deepEqual(names.filter((name) => /test\/|node_modules|\.npmrc|lock/.test(name)), []);
  assert.equal(manifest.scripts, undefined, 'what they run is not in it');
});

test('built once more from its component, by one with another umask, the package is the same to the byte', async (t) => {
  const again = path.join(await folder(t), 'again');
  await run('sh', ['-c', 'umask 077 && exec "$0" build.js "$@"', process.execPath, component, again], { cwd: here });
  for (const name of ['component.js', 'contract.d.ts']) {
    assert.equal(await digest(path.join(built, 'component', name)), await digest(path.join(again, 'component', name)), name);
  }
  const [first, second] = [await packed(await folder(t)), await packed(await folder(t), again)];
  assert.equal(await digest(first.file), await digest(second.file));
});

test('a person can read the host: at most 450 lines, and at most 350 that carry values in place of generated code', async () => {
  const source = path.join(here, 'src');
  const carries = ['carrier.js', 'kinds.js'];
  // Types are in declarations of their own; testing.js is for tests.
  const decides = (await readdir(source)).filter((name) => name.endsWith('.js') && ![...carries, 'testing.js'].includes(name));
  for (const [names, most] of [[decides, 450], [carries, 350]]) {
    const texts = await Promise.all(names.map((name) => readFile(path.join(source, name), 'utf8')));
    // Neither blank nor a comment: the measure of the Python host's test, whose lines have at most 128 characters.
    const code = texts.join('\n').split('\n').filter((line) => !/^\s*($|\/\/|\/\*\*|\*)/.test(line));
    const lines = code.reduce((sum, line) => sum + Math.ceil(line.length / 128), 0);
    assert.ok(lines <= most, `${lines} lines in ${names}`);
  }
});

test('the lock file names no place to download from', async () => {
  const lock = await readFile(path.join(here, 'package-lock.json'), 'utf8');
  assert.doesNotMatch(lock, /https?:\/\/(?!opencollective|github|paypal)[^"]*\.tgz|"resolved"/);
});

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
const place = () => (installed ??= project());
after(async () => { if (installed) await rm(await installed, { recursive: true }); });
const tool = (name) => path.join(here, 'node_modules/.bin', name);

/** Runs the example, twice, against an emulator of its own. */
async function rotates(t, script, node = process.execPath) {
  const cwd = await folder(t);
  const amazon = await emulator(t, '--app', 'amzn1.application-oa2-client.demo=amzn1.oa2-cs.v1.demo');
  for (const generation of [2, 3]) {
    const { stdout } = await run(node, [script], { cwd, env: { ...process.env, AT: amazon.at } });
    assert.match(stdout, new RegExp(`acknowledged\\n(.*\\n)*settled: generation ${generation}\\n$`));
  }
  assert.match(await readFile(path.join(cwd, 'shop.env'), 'utf8'), /^LWA_CLIENT_ID=amzn1.application-oa2-client.demo\nLWA_CLIENT_SECRET=(?!amzn1.oa2-cs.v1.demo\n)\S+\n$/);
}

test('installed in an empty folder, the example of the README rotates, and once more', async (t) => {
  await rotates(t, path.join(await place(), 'rotate.mjs'));
});

for (const [format, script, ending] of [['esm', 'rotate.mjs', 'mjs'], ['cjs', 'function.mjs', 'cjs']]) {
  test(`bundled by esbuild as ${format}, the example rotates where nothing else is`, async (t) => {
    const bundle = path.join(await folder(t), `bundle.${ending}`);
    await run(tool('esbuild'), [script, '--bundle', '--minify', '--platform=node', '--main-fields=module,main', `--format=${format}`, `--outfile=${bundle}`], { cwd: await place() });
    await rotates(t, bundle);
  });
}

test('those who check packages find nothing', async () => {
  await run(tool('publint'), ['--strict', built]).catch((error) => assert.fail(error.stdout));
  await run(tool('attw'), ['--pack', built, '--profile', 'esm-only', '--exclude-entrypoints', 'component.wasm'], { cwd: built }).catch((error) => assert.fail(error.stdout));
});

const SAMPLE = `
    import { Failure, FileStore, Rotator, Sqs, type Store, type ApplicationStatus } from 'lwa-rotate';
    import { MemoryQueue } from 'lwa-rotate/testing';
    const store: Store = {
      async load(clientId) { return { revision: clientId, document: new Uint8Array() }; },
      async save(clientId, document, expected) { if (expected) throw new Failure('conflict'); return '1'; },
    };
    const rotator = new Rotator({ applications: [{ clientId: 'a', apiEndpoint: 'https://api.test' }], store, queue: new MemoryQueue() });
    export async function due(): Promise<bigint | undefined> {
      const status: ApplicationStatus = await rotator.advance('a');
      return status.next?.at;
    }
    new Rotator({ applications: [], store: new FileStore('x'), queue: new Sqs({ main: 'https://sqs.test/1/a' }, { region: 'eu-west-1' }) });
    // @ts-expect-error a store has to save
    new Rotator({ applications: [], store: { load: store.load } });`;

for (const [resolution, options] of [
  ['node10', ['--module', 'esnext', '--ignoreDeprecations', '6.0']],
  ['node16', ['--module', 'node16']],
  ['bundler', ['--module', 'esnext']],
]) {
  test(`the declarations are sound where modules are resolved as in ${resolution}, libraries checked`, async () => {
    const file = path.join(await place(), `${resolution}.mts`);
    await writeFile(file, SAMPLE);
    const all = ['--noEmit', '--strict', '--types', 'node', '--typeRoots', path.join(here, 'node_modules/@types'), '--target', 'es2022', '--moduleResolution', resolution, ...options];
    await run(tool('tsc'), [...all, file], { cwd: await place() }).catch((error) => assert.fail(error.stdout));
  });
}

test('the declarations carry the words of the contract', async () => {
  const contract = await readFile(path.join(built, 'component/contract.d.ts'), 'utf8');
  assert.match(contract, /Compare-and-swap: `save` replaces exactly the revision/);
  const store = await readFile(path.join(built, 'component/interfaces/lwa-rotation-store.d.ts'), 'utf8');
  assert.match(store, /\* The document of this client id with its revision; `none` if there is none\. [^/]*\*\/\nexport function load\(/);
});
