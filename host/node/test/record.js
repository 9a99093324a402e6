// node test/record.js FILE…: puts what came of a scenario in place of what it expects. For changes of the component that are meant;
// what is written has to be read, rule by rule, before it is believed.
import { readFileSync, writeFileSync } from 'node:fs';
import { run } from './scenario.js';

const WIDTH = 130;

/** JSON in which what is short stands on one line. */
function text(value, indent = '') {
  const short = JSON.stringify(value, null, 1).replace(/\n */g, ' ');
  if (short.length + indent.length <= WIDTH || value === null || typeof value !== 'object') return short;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((element) => text(element, inner))
    : Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${text(member, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

for (const file of process.argv.slice(2)) {
  writeFileSync(file, `${text(await run(JSON.parse(readFileSync(file))))}\n`);
}
