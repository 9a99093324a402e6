// What carries values: every type of the contract, and what is not of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contract } from '../package/component/component.js';
import { carrier } from '../package/src/carrier.js';
import { camel, kinds, Mismatch } from '../package/src/kinds.js';

/** A core with a memory and nothing else; it begins with rubbish, so that nothing is right by being zero. */
function memory() {
  const bytes = new Uint8Array(1 << 20).fill(0xa5);
  let free = 1024;
  return {
    bytes,
    view: new DataView(bytes.buffer),
    room(align, size) {
      // Nothing lies side by side, so that what is written beside a value shows.
      const place = Math.ceil((free + 16) / align) * align;
      free = place + size + 16;
      return place;
    },
  };
}

/** Values of a type, each case at least once. */
function samples(type, types) {
  const of = (inner) => samples(inner, types);
  if (types[type]) return of(types[type]);
  if (typeof type === 'string') {
    const scalars = { bool: [true, false], string: ['', 'a€😀\0\ufeff'], char: ['😀'], u64: [0n, 2n ** 64n - 1n], s64: [-(2n ** 63n), 1n] };
    const bits = Number(type.slice(1));
    return scalars[type] ?? (type[0] === 'u' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]);
  }
  const [[kind, inner]] = Object.entries(type);
  switch (kind) {
    case 'list': return inner === 'u8' ? [new Uint8Array(), new Uint8Array([0, 255])] : [[], of(inner)];
    case 'option': return [undefined, ...of(inner)];
    case 'enum': return inner;
    case 'tuple': return [inner.map((one) => of(one)[0]), inner.map((one) => of(one).at(-1))];
    case 'record': return [0, -1].map((which) => Object.fromEntries(inner.map(([name, one]) => [camel(name), of(one).at(which)])));
    case 'variant': return inner.flatMap(([tag, one]) => (one ? of(one).map((val) => ({ tag, val })) : [{ tag }]));
    case 'result': return of({ variant: [['ok', inner[0]], ['err', inner[1]]] });
    default: throw new Error(kind);
  }
}

function roundTrips(type, types) {
  const kind = kinds(types)(type);
  for (const value of samples(type, types)) {
    const core = memory();
    const taken = kind.take(value, 'a value');
    assert.deepEqual(taken, value);
    const flats = kind.lower(core, taken);
    assert.deepEqual(flats.map((flat) => (typeof flat === 'bigint' ? 'i64' : 'i32')), kind.flat);
    assert.deepEqual(kind.lift(core, flats), value);
    const place = core.room(kind.align, kind.size);
    kind.store(core, place, taken);
    assert.deepEqual(kind.load(core, place), value);
    assert.deepEqual([core.bytes[place - 1], core.bytes[place + kind.size]], [0xa5, 0xa5], 'nothing beside it is written');
  }
}

for (const name of Object.keys(contract.types)) {
  test(`values of ${name} come back as they went`, () => roundTrips(name, contract.types));
}

test('types that the contract may have one day come back as they went', () => {
  for (const scalar of ['u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'bool', 'char', 'string']) roundTrips(scalar, {});
  roundTrips({ tuple: ['u8', 'u64', 'string'] }, {});
  // The places of the cases' values are shared: 32 bits in one are 64 in another.
  roundTrips({ variant: [['none', null], ['small', 's32'], ['large', 'u64'], ['both', { tuple: ['string', 'u64'] }]] }, {});
  roundTrips({ result: [null, { list: { option: { result: ['u16', null] } } }] }, {});
  assert.throws(() => kinds({})({ stream: 'u8' }), /does not know: stream/);
});

test('a record lies in the memory as the canonical ABI says', () => {
  const core = memory();
  const kind = kinds({})({ record: [['a', 'u8'], ['b', 'u64'], ['c', { option: 'u16' }], ['d', { list: 'u8' }]] });
  assert.deepEqual([kind.size, kind.align, kind.flat], [32, 8, ['i32', 'i64', 'i32', 'i32', 'i32', 'i32']]);
  kind.store(core, 64, kind.take({ a: 1, b: 2n, c: 3, d: new Uint8Array([4]) }, 'it'));
  assert.deepEqual([core.bytes[64], core.view.getBigUint64(72, true), core.bytes[80], core.view.getUint16(82, true)], [1, 2n, 1, 3]);
  assert.deepEqual([core.view.getUint32(84, true), core.view.getUint32(88, true)], [1040, 1]);
});

test('a value that is not of the contract is named, and not shown', () => {
  const secret = 'amzn1.oa2-cs.v1.secret';
  const of = kinds(contract.types);
  for (const [type, value, text] of [
    ['store.entry', secret, /^an answer is not an object$/],
    ['store.entry', { revision: 7, document: new Uint8Array() }, /^'revision' of an answer is not a string$/],
    ['store.entry', { revision: '1', document: secret }, /^'document' of an answer is not a Uint8Array$/],
    ['u32', secret, /is not a whole number/],
    ['u32', 1.5, /is not a whole number/],
    ['u32', -1, /does not fit 32 bits/],
    ['u64', 2n ** 64n, /does not fit 64 bits/],
    ['u64', NaN, /is not a whole number/],
    ['bool', secret, /is not a boolean/],
    ['rotation.decision', secret, /is not one of/],
    ['store.error', { tag: secret }, /has none of the tags/],
    [{ list: 'string' }, [secret, 7], /^a value in an answer is not a string$/],
  ]) {
    assert.throws(() => of(type).take(value, 'an answer'), (error) => error instanceof Mismatch && text.test(error.message) && !error.message.includes(secret), type);
  }
});

test('a component that imports what its description does not have is not begun with', async () => {
  const { core } = await import('../package/component/component.js');
  const imports = Object.fromEntries(Object.entries(contract.imports).filter(([face]) => !face.includes('settings')));
  assert.throws(() => carrier({ ...contract, imports }, new WebAssembly.Module(Buffer.from(core, 'base64'))), /does not have/);
});

test('what a host answers may change afterwards, and the arguments it is given too', async (t) => {
  const { Rotator } = await import('../package/src/index.js');
  const { Suspending } = WebAssembly;
  t.after(() => { if (Suspending) WebAssembly.Suspending = Suspending; });
  delete WebAssembly.Suspending;
  let kept;
  const store = {
    async load() { return kept; },
    async save(clientId, document) {
      kept = { revision: '1', document: document.slice() };
      document.fill(0);
      return '1';
    },
  };
  const emitted = [];
  const rotator = new Rotator({ applications: [{ clientId: 'a', apiEndpoint: 'https://a.test' }], store, observe: { emit: ({ what }) => emitted.push(what.tag) } });
  await rotator.enroll('a', Buffer.from('a-secret'));
  assert.equal((await rotator.status('a')).generation, 1n);
  assert.deepEqual(emitted, ['enrolled'], 'an event is emitted once, however often the call is made again');
});
