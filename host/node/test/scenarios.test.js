import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from './scenario.js';

const folder = new URL('../../../tests/scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name !== 'README.md');

test('there are scenarios', () => assert.ok(files.length >= 15));

for (const file of files) {
  test(`scenario ${file}`, async () => {
    const scenario = JSON.parse(readFileSync(new URL(file, folder)));
    assert.deepEqual(await run(scenario), scenario, `it says: ${scenario.what}`);
  });
}
