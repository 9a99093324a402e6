import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { canSuspend } from '../package/src/carrier.js';
import { run } from './scenario.js';

const folder = new URL('../../../tests/scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name !== 'README.md');
const { Suspending } = WebAssembly;

test('there are scenarios', () => assert.ok(files.length >= 15));

// Where WebAssembly can be suspended, they run without that as well.
for (const suspending of canSuspend() ? [true, false] : [false]) {
  for (const file of files) {
    test(`scenario ${file}, ${suspending ? 'suspended' : 'replayed'}`, async (t) => {
      t.after(() => { if (Suspending) WebAssembly.Suspending = Suspending; });
      if (!suspending) delete WebAssembly.Suspending;
      const scenario = JSON.parse(readFileSync(new URL(file, folder)));
      assert.deepEqual(await run(scenario), scenario, `it says: ${scenario.what}`);
    });
  }
}
