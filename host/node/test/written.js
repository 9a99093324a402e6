// Values of the contract as a scenario writes them (tests/scenarios/README.md), and back, by the types of the contract.
import assert from 'node:assert/strict';
import { contract } from '../package/component/component.js';
import { camel } from '../package/src/kinds.js';

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const functions = (faces) => Object.entries(faces).flatMap(([face, all]) => {
  const short = face.match(/[/](.*)@/)[1];
  return Object.entries(all).map(([name, one]) => [`${short}.${name}`, one]);
});

/** The functions that a scenario names: `http.send` and so on, with `params` and `result`. */
export const IMPORTS = new Map(functions(contract.imports).filter(([name]) => /^(http|queue|store|publish)\./.test(name)));
/** By their names alone. */
export const EXPORTS = new Map(functions(contract.exports).map(([name, one]) => [name.replace(/.*\./, ''), one]));

/** A value as a scenario writes it. */
export function written(value) {
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString();
    return Buffer.from(text).equals(Buffer.from(value)) ? text : { hex: Buffer.from(value).toString('hex') };
  }
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== 'object') return value;
  if ('tag' in value) return value.val === undefined ? value.tag : { [value.tag]: written(value.val) };
  if (Object.keys(value).join() === 'name,value') return [value.name, written(value.value)];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [kebab(name), written(member)]));
}

/** A scenario's value of a type as the component takes it. */
export function read(type, value) {
  if (contract.types[type]) return read(contract.types[type], value);
  if (typeof type === 'string') return ['u64', 's64'].includes(type) ? BigInt(value) : value;
  const [[kind, inner]] = Object.entries(type);
  switch (kind) {
    case 'option': return value == null ? undefined : read(inner, value);
    case 'list':
      if (inner !== 'u8') return value.map((one) => read(inner, one));
      return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.hex, 'hex');
    case 'record': return record(inner, Array.isArray(value) ? { name: value[0], value: value[1] } : value);
    case 'variant': {
      const [tag, held] = typeof value === 'string' ? [value] : Object.entries(value)[0];
      const [, of] = inner.find(([name]) => name === tag) ?? assert.fail(`there is no case '${tag}'`);
      return of ? { tag, val: read(of, held) } : { tag };
    }
    case 'result': {
      const [tag, held] = Object.entries(value)[0];
      const of = inner[{ ok: 0, err: 1 }[tag]];
      return { tag, val: of ? read(of, held) : undefined };
    }
    default: return value;
  }
}

/** Members by their names: those that the type has, and no others. */
export function record(fields, value) {
  members(value, fields.filter(([, type]) => !type.option).map(([name]) => name), fields.map(([name]) => name));
  return Object.fromEntries(fields.map(([name, type]) => [camel(name), read(type, value[name])]));
}

/** Checks that an object has these members and no others. */
export function members(object, needed, optional = []) {
  for (const name of needed) assert.ok(name in object, `the member '${name}' is missing`);
  const unknown = Object.keys(object).filter((name) => !needed.includes(name) && !optional.includes(name));
  assert.deepEqual(unknown, [], 'unknown members');
}

/** Why what happened does not fit what a file says; nothing if it does. `whole` wants them equal. */
export function misfit(expected, actual, whole) {
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject(expected) && isObject(actual)) {
    for (const [name, member] of Object.entries(expected)) {
      const why = misfit(member, actual[name] ?? null, whole);
      if (why) return `.${name}${why}`;
    }
    const more = whole && Object.keys(actual).find((name) => !(name in expected));
    return more ? `.${more}: is not expected` : undefined;
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    const at = expected.findIndex((one, i) => misfit(one, actual[i], whole));
    return at < 0 ? undefined : `[${at}]${misfit(expected[at], actual[at], whole)}`;
  }
  if (!whole && typeof expected === 'string' && isObject(actual) && Object.keys(actual).length === 1 && expected in actual) return undefined;
  return expected === actual ? undefined : `: expected is ${JSON.stringify(expected)}, and there is ${JSON.stringify(actual)}`;
}
