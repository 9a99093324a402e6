import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { canSuspend } from '../package/src/carrier.js';
import { run } from './scenario.js';
import { misfit } from './written.js';

const folder = new URL('../../../tests/scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name !== 'README.md');
const { Suspending } = WebAssembly;

test('there are scenarios', () => assert.ok(files.length >= 40));

test('a value fits what a file says of it', () => {
  const actual = { state: 'settled', next: { at: 1, kind: 'reading' }, targets: [{ name: 'env' }] };
  for (const [expected, fits, whole = false, of = actual] of [
    [{ state: 'settled', problem: null, targets: [{}] }, true],
    [{ state: 'stalled' }, false],
    [{ next: null }, false],
    [{ problem: {} }, false],
    [{ targets: [] }, false],
    ['not-allowed', true, false, { 'not-allowed': 'why' }],
    ['not-allowed', false, true, { 'not-allowed': 'why' }],
    [{ state: 'settled' }, false, true],
    [actual, true, true],
  ]) {
    assert.equal(misfit(expected, of, whole) === undefined, fits, JSON.stringify(expected));
  }
});

// Where WebAssembly can be suspended, they run without that as well.
for (const suspending of canSuspend() ? [true, false] : [false]) {
  for (const file of files) {
    test(`scenario ${file}, ${suspending ? 'suspended' : 'replayed'}`, async (t) => {
      t.after(() => { if (Suspending) WebAssembly.Suspending = Suspending; });
      if (!suspending) delete WebAssembly.Suspending;
      await run(JSON.parse(readFileSync(new URL(file, folder))));
    });
  }
}
