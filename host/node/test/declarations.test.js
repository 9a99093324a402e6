// What tools say of the package and its declarations; the same whatever version of Node runs it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { built, here, place, run, tool } from './installed.js';

test('those who check packages find nothing', async () => {
  await run(tool('publint'), ['--strict', built]).catch((error) => assert.fail(error.stdout));
  await run(tool('attw'), ['--pack', built, '--profile', 'esm-only', '--exclude-entrypoints', 'component.wasm'], { cwd: built }).catch((error) => assert.fail(error.stdout));
});

const SAMPLE = `
    import { Failure, FileStore, Rotator, runUntilSettled, Sqs, visit, type Publish, type Store, type ApplicationStatus } from 'lwa-rotate';
    import { MemoryQueue } from 'lwa-rotate/testing';
    const store: Store = {
      async load(clientId) { return { revision: clientId, document: new Uint8Array() }; },
      async save(clientId, document, expected) { if (expected) throw new Failure('conflict'); return '1'; },
      async remove() {},
    };
    const publish: Partial<Publish> & Pick<Publish, 'put'> = { async put(target, { clientSecret }) { process.stdout.write(clientSecret); } };
    const rotator = new Rotator({ applications: [{ clientId: 'a', apiEndpoint: 'https://api.test', targets: [{ name: 'env' }, { name: 'b', place: 'x:y' }] }], store, publish, queue: new MemoryQueue() });
    export async function due(): Promise<bigint | undefined> {
      const status: ApplicationStatus = await rotator.advance('a');
      await rotator.enroll('a', new Uint8Array([1]));
      await rotator.enroll('a', new Uint8Array([1]), 1n, true);
      await rotator.request('a');
      const [finding] = await rotator.checkQueue('main');
      if (finding?.severity === 'blocking') return (await runUntilSettled(rotator, 'a', { timeout: 1 })).expiresAt;
      for (const { name, error } of (await visit(rotator)).failures) process.stderr.write(name + error.tag);
      return (await rotator.drain('main', 10, 20)).more ? undefined : status.next?.at;
    }
    new Rotator({ applications: [], store: new FileStore('x'), queue: new Sqs({ main: 'https://sqs.test/1/a' }, { region: 'eu-west-1' }, { flow: 'pushed' }) });
    // @ts-expect-error a target has a name
    new Rotator({ applications: [{ clientId: 'a', apiEndpoint: 'b', targets: ['env'] }], store });
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
