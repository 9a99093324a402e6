// What is in the package, and that it works where nothing else is.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { emulator, root } from './emulator.js';
import { built, folder, here, manifest, packed, place, run, tool } from './installed.js';

const digest = async (file) => createHash('sha256').update(await readFile(file)).digest('hex');

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

test('a person can read the host: at most 600 lines, and at most 350 that carry values in place of generated code', async () => {
  const source = path.join(here, 'src');
  const carries = ['carrier.js', 'kinds.js'];
  // Types are in declarations of their own; testing.js is for tests.
  const decides = (await readdir(source)).filter((name) => name.endsWith('.js') && ![...carries, 'testing.js'].includes(name));
  for (const [names, most] of [[decides, 600], [carries, 350]]) {
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

/** Runs the example against an emulator of its own, and once more, where it has to be confirmed. */
async function rotates(t, script, node = process.execPath) {
  const cwd = await folder(t);
  const amazon = await emulator(t, '--app', 'amzn1.application-oa2-client.demo=amzn1.oa2-cs.v1.demo');
  const example = () => run(node, [script], { cwd, maxBuffer: 1 << 24, env: { ...process.env, AT: amazon.at } });
  assert.match((await example()).stdout, /acknowledged\n(.*\n)*settled: generation 2\n$/);
  await assert.rejects(example(), ({ stderr }) => /needs-confirmation: /.test(stderr) || assert.fail(stderr.slice(-1000)));
  assert.match(await readFile(path.join(cwd, 'shop.env'), 'utf8'), /^LWA_CLIENT_ID=amzn1.application-oa2-client.demo\nLWA_CLIENT_SECRET=(?!amzn1.oa2-cs.v1.demo\n)\S+\n$/);
}

test('installed in an empty folder, the example of the README rotates, and not at once a second time', async (t) => {
  await rotates(t, path.join(await place(), 'rotate.mjs'));
});

for (const [format, script, ending] of [['esm', 'rotate.mjs', 'mjs'], ['cjs', 'function.mjs', 'cjs']]) {
  test(`bundled by esbuild as ${format}, the example rotates where nothing else is`, async (t) => {
    const bundle = path.join(await folder(t), `bundle.${ending}`);
    await run(tool('esbuild'), [script, '--bundle', '--platform=node', '--main-fields=module,main', `--format=${format}`, `--outfile=${bundle}`], { cwd: await place() });
    await rotates(t, bundle);
  });
}

test('the declarations carry the words of the contract', async () => {
  const contract = await readFile(path.join(built, 'component/contract.d.ts'), 'utf8');
  assert.match(contract, /Compare-and-swap: `save` replaces exactly the revision/);
  const store = await readFile(path.join(built, 'component/interfaces/lwa-rotation-store.d.ts'), 'utf8');
  assert.match(store, /\* The document of this client id with its revision; `none` if there is none\. [^/]*\*\/\nexport function load\(/);
});
