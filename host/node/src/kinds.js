// Values of the contract as they lie in the memory, the arguments and the results of the component's core, in the canonical ABI:
// https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
// Names are in camelCase; `option` is the value or undefined; `variant` is `{ tag, val }`; `enum` its name; 64 bits are a bigint; a list of bytes is a Uint8Array.

export const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** A value is not what the contract says. The text names it, and does not show it. */
export class Mismatch extends TypeError {
  name = 'Mismatch';
}

const aligned = (at, align) => Math.ceil(at / align) * align;
const lasting = (values) => Math.max(1, ...values.map(({ align }) => align));
const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// A kind of value is { size, align, flat, take, store, load, lower, lift }: `take` checks a value of the host's and copies it; `store` and `load` work on the
// memory, `lower` and `lift` on arguments and results. `flat` has the core's type of each of these.

function whole(bits, signed) {
  const big = bits === 64;
  const method = `${big ? 'Big' : ''}${signed ? 'Int' : 'Uint'}${bits}`;
  const cut = signed ? BigInt.asIntN : BigInt.asUintN;
  return {
    size: bits / 8,
    align: bits / 8,
    flat: [big ? 'i64' : 'i32'],
    take(value, name) {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw new Mismatch(`${name} is not a whole number`);
      if (cut(bits, BigInt(value)) !== BigInt(value)) throw new Mismatch(`${name} does not fit ${bits} bits`);
      return big ? BigInt(value) : Number(value);
    },
    store: (core, at, value) => core.view[`set${method}`](at, value, true),
    load: (core, at) => core.view[`get${method}`](at, true),
    lower: (core, value) => [value],
    lift: (core, flats) => (big ? cut(64, flats.shift()) : Number(cut(bits, BigInt(flats.shift())))),
  };
}

/** A value that is something else in the core: `as` a kind, `to` it and `from` it. */
function mapped(as, take, to, from) {
  const { size, align, flat } = as;
  return {
    size,
    align,
    flat,
    take,
    store: (core, at, value) => as.store(core, at, to(value)),
    load: (core, at) => from(as.load(core, at)),
    lower: (core, value) => as.lower(core, to(value)),
    lift: (core, flats) => from(as.lift(core, flats)),
  };
}

function checked(fits, what) {
  return (value, name) => {
    if (!fits(value)) throw new Mismatch(`${name} is not ${what}`);
    return value;
  };
}

/** What is elsewhere in the memory, with its place and length here. */
function pointed(take, write, read) {
  return {
    size: 8,
    align: 4,
    flat: ['i32', 'i32'],
    take,
    store(core, at, value) {
      const [place, length] = write(core, value);
      core.view.setUint32(at, place, true);
      core.view.setUint32(at + 4, length, true);
    },
    load: (core, at) => read(core, core.view.getUint32(at, true), core.view.getUint32(at + 4, true)),
    lower: write,
    lift: (core, flats) => read(core, flats.shift() >>> 0, flats.shift() >>> 0),
  };
}

function put(core, bytes) {
  const place = core.room(1, bytes.length);
  core.bytes.set(bytes, place);
  return [place, bytes.length];
}

/** All bytes of the memory that a value names, or nothing. */
function got(core, place, length) {
  if (place + length > core.bytes.length) throw new RangeError('the component points outside its memory');
  return core.bytes.slice(place, place + length);
}

export const isBytes = (value) => ArrayBuffer.isView(value) && value.BYTES_PER_ELEMENT === 1;
const string = pointed(checked((value) => typeof value === 'string', 'a string'), (core, value) => put(core, utf8.encode(value)), (core, ...where) => text.decode(got(core, ...where)));
const bytes = pointed((value, name) => checked(isBytes, 'a Uint8Array')(value, name).slice(), put, got);

function list(of) {
  return pointed((value, name) => checked(Array.isArray, 'an array')(value, name).map((one) => of.take(one, `a value in ${name}`)), (core, values) => {
    const place = core.room(of.align, values.length * of.size);
    values.forEach((value, i) => of.store(core, place + i * of.size, value));
    return [place, values.length];
  }, (core, place, length) => {
    if (place + length * of.size > core.bytes.length) throw new RangeError('the component points outside its memory');
    return Array.from({ length }, (_, i) => of.load(core, place + i * of.size));
  });
}

/** Values one behind the other: an array. `names` are those of its members, where they have any. */
export function tuple(values, names) {
  let size = 0;
  const places = values.map((value) => {
    const place = aligned(size, value.align);
    size = place + value.size;
    return place;
  });
  return {
    size: aligned(size, lasting(values)),
    align: lasting(values),
    flat: values.flatMap(({ flat }) => flat),
    take: (given, name) => checked(Array.isArray, 'an array')(given, name) && values.map((value, i) => value.take(given[i], `${names ? `'${names[i]}'` : i} of ${name}`)),
    store: (core, at, given) => values.forEach((value, i) => value.store(core, at + places[i], given[i])),
    load: (core, at) => values.map((value, i) => value.load(core, at + places[i])),
    lower: (core, given) => values.flatMap((value, i) => value.lower(core, given[i])),
    lift: (core, flats) => values.map((value) => value.lift(core, flats)),
  };
}

function record(names, values) {
  const members = tuple(values, names);
  const array = (value) => names.map((name) => value[name]);
  const object = (given) => Object.fromEntries(given.map((value, i) => [names[i], value]));
  const take = (value, name) => object(members.take(array(checked((given) => typeof given === 'object' && given !== null, 'an object')(value, name)), name));
  return mapped(members, take, array, object);
}

/** One of several cases, `[name, kind or nothing]`: `[place, value]`. */
function cases(all) {
  const bits = all.length <= 256 ? 8 : 16;
  const which = whole(bits, false);
  const values = all.map(([, value]) => value).filter(Boolean);
  const align = Math.max(which.align, lasting(values));
  const begin = aligned(which.size, lasting(values));
  const shared = [];
  for (const { flat } of values) flat.forEach((type, i) => { shared[i] = (shared[i] ?? type) === type ? type : 'i64'; });
  const at64 = (flat, i) => shared[i] === 'i64' && flat?.[i] !== 'i64';
  return {
    size: aligned(begin + Math.max(0, ...values.map(({ size }) => size)), align),
    align,
    flat: ['i32', ...shared],
    store(core, at, [place, value]) {
      which.store(core, at, place);
      all[place][1]?.store(core, at + begin, value);
    },
    load(core, at) {
      const place = which.load(core, at);
      return [place, one(all, place)[1]?.load(core, at + begin)];
    },
    lower(core, [place, value]) {
      const kind = all[place][1];
      const flats = kind?.lower(core, value) ?? [];
      return [place, ...shared.map((type, i) => (at64(kind?.flat, i) ? BigInt.asUintN(32, BigInt(flats[i] ?? 0)) : (flats[i] ?? (type === 'i64' ? 0n : 0))))];
    },
    lift(core, flats) {
      const place = flats.shift();
      const kind = one(all, place)[1];
      const given = flats.splice(0, shared.length).map((flat, i) => (at64(kind?.flat, i) ? Number(BigInt.asIntN(32, flat)) : flat));
      return [place, kind?.lift(core, given)];
    },
  };
}

function one(all, place) {
  if (!(place < all.length)) throw new RangeError('the component answers a case that there is not');
  return all[place];
}

function variant(all) {
  const names = all.map(([name]) => name);
  const take = (value, name) => {
    const place = names.indexOf(value?.tag);
    if (place < 0) throw new Mismatch(`${name} has none of the tags ${names.join(', ')}`);
    const val = all[place][1]?.take(value.val, `'${names[place]}' of ${name}`);
    return all[place][1] ? { tag: value.tag, val } : { tag: value.tag };
  };
  return mapped(cases(all), take, ({ tag, val }) => [names.indexOf(tag), val], ([place, val]) => (all[place][1] ? { tag: names[place], val } : { tag: names[place] }));
}

function choice(names) {
  const take = checked((value) => names.includes(value), `one of ${names.join(', ')}`);
  return mapped(cases(names.map((name) => [name])), take, (value) => [names.indexOf(value)], ([place]) => names[place]);
}

function option(some) {
  return mapped(cases([['none'], ['some', some]]), (value, name) => (value == null ? undefined : some.take(value, name)), (value) => (value === undefined ? [0] : [1, value]), ([, value]) => value);
}

const char = mapped(whole(32, false), checked((value) => typeof value === 'string' && [...value].length === 1, 'a character'), (value) => value.codePointAt(0), String.fromCodePoint);
const bool = mapped(whole(8, false), checked((value) => typeof value === 'boolean', 'a boolean'), Number, Boolean);

/** Answers the kind of any type of a description. */
export function kinds(types) {
  const made = { string, char, bool };
  const of = (type) => {
    if (typeof type === 'string') return (made[type] ??= types[type] ? of(types[type]) : whole(Number(type.slice(1)), type[0] === 's'));
    const [[kind, inner]] = Object.entries(type);
    const named = () => inner.map(([name, value]) => [name, value && of(value)]);
    switch (kind) {
      case 'list': return inner === 'u8' ? bytes : list(of(inner));
      case 'option': return option(of(inner));
      case 'tuple': return tuple(inner.map(of));
      case 'record': return record(inner.map(([name]) => camel(name)), inner.map(([, value]) => of(value)));
      case 'variant': return variant(named());
      case 'enum': return choice(inner);
      case 'result': return variant([['ok', inner[0] && of(inner[0])], ['err', inner[1] && of(inner[1])]]);
      default: throw new Error(`the component has a type that its host does not know: ${kind}`);
    }
  };
  return of;
}
