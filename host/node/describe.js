// What a built component imports and exports, with every type, read off the component itself: the description that `src/carrier.js` works by, and any other
// carrier of values may. `node describe.js COMPONENT.wasm` prints it.
// See https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const SECTION = { coreModule: 1, component: 4, instance: 5, alias: 6, type: 7, canon: 8, import: 10, export: 11 };
const SORT = { core: 0, func: 1, type: 3, component: 4, instance: 5 };
const SCALARS = { 0x7f: 'bool', 0x7e: 's8', 0x7d: 'u8', 0x7c: 's16', 0x7b: 'u16', 0x7a: 's32', 0x79: 'u32', 0x78: 's64', 0x77: 'u64', 0x74: 'char', 0x73: 'string' };

class Reader {
  constructor(bytes, at = 0, end = bytes.length) {
    Object.assign(this, { bytes, at, end });
  }

  byte() {
    if (this.at >= this.end) throw new Error('the component ends too early');
    return this.bytes[this.at++];
  }

  number() {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  list(read) {
    return Array.from({ length: this.number() }, () => read());
  }

  option(read) {
    return this.byte() ? read() : undefined;
  }

  /** The name of an import or export. */
  name() {
    if (this.byte() > 1) throw new Error('a name with attributes, which this reader does not know');
    return this.text();
  }
}

/** The types, functions and instances of a component, or of the type of an instance; each sort is counted on its own. */
class Scope {
  types = [];
  functions = [];
  components = [];
  instances = [];
  /** By name: what it exports. */
  offers = {};

  constructor(above) {
    this.above = above;
  }

  things(sort) {
    return { [SORT.func]: this.functions, [SORT.type]: this.types, [SORT.component]: this.components, [SORT.instance]: this.instances }[sort] ?? unknown('sort', sort);
  }

  add(sort, thing) {
    this.things(sort).push(thing);
    return thing;
  }

  value(reader) {
    const first = reader.bytes[reader.at];
    if (first < 0x40 || first >= 0x80) return this.types[reader.number()];
    reader.at += 1;
    return SCALARS[first] ?? unknown('value type', first);
  }

  type(reader) {
    const value = () => this.value(reader);
    const fields = () => reader.list(() => [reader.text(), value()]);
    const form = reader.byte();
    switch (form) {
      case 0x72: return { record: fields() };
      case 0x71: return { variant: reader.list(() => [reader.text(), reader.option(value), reader.byte()].slice(0, 2)) };
      case 0x70: return { list: value() };
      case 0x6f: return { tuple: reader.list(value) };
      case 0x6d: return { enum: reader.list(() => reader.text()) };
      case 0x6b: return { option: value() };
      case 0x6a: return { result: [reader.option(value), reader.option(value)] };
      case 0x40: return { params: fields(), result: reader.byte() ? void reader.byte() : value() };
      case 0x42: return this.instance(reader);
      default: return SCALARS[form] ?? unknown('type', form);
    }
  }

  /** The type of an instance. */
  instance(reader) {
    const inner = new Scope(this);
    reader.list(() => {
      const kind = reader.byte();
      if (kind === 0x01) inner.types.push(inner.type(reader));
      else if (kind === 0x02) inner.alias(reader);
      else if (kind === 0x04) {
        const name = reader.name();
        inner.offers[name] = inner.described(reader, name);
      } else unknown('declaration', kind);
    });
    return { instance: inner.offers };
  }

  /** What an import or export is; it takes a place among the things of its sort. */
  described(reader, name, counts = true) {
    const sort = reader.byte();
    if (sort === SORT.type && reader.byte()) unknown('resource', name);
    const type = this.types[reader.number()];
    const thing = sort === SORT.type ? named(name, type) : type;
    return counts ? this.add(sort, thing) : thing;
  }

  alias(reader) {
    const sort = reader.byte();
    const core = sort === SORT.core && reader.byte() + 1;
    const target = reader.byte();
    const place = reader.number();
    if (target === 0x02) {
      let scope = this;
      for (let up = place; up > 0; up -= 1) scope = scope.above;
      return this.add(sort, scope.things(sort)[reader.number()]);
    }
    const name = reader.text();
    return core ? undefined : this.add(sort, this.instances[place].instance[name]);
  }
}

/** A type with the name that it is exported by; an alias of a scalar is the scalar. */
function named(name, type) {
  return typeof type === 'object' ? { named: name, type: type.type ?? type } : type;
}

function unknown(what, which) {
  throw new Error(`the component has a ${what} that this reader does not know: ${typeof which === 'number' ? `0x${which.toString(16)}` : which}`);
}

/**
 * @param {Buffer} bytes a component
 * @returns {{ description: object, core: Buffer }} `description` has `component`, the SHA-256 of the component; `types` by name; `imports` and `exports`, by
 *   interface and function, each function with `params` (name and type) and `result`. A type is the name of a scalar, the name of one of `types`, or an object with
 *   one member: `record` (names and types), `variant` (names and types or null), `enum` (names), `list`, `option`, `tuple`, `result` (two types or null).
 *   `core` is the module in the component that decides; its imports and exports are named as in `description`.
 */
export function describe(bytes) {
  const { modules, imports, offers } = component(new Reader(bytes));
  const types = new Types();
  const faces = (all) => Object.fromEntries(Object.entries(all).map(([face, { instance }]) => [face, types.functions(face, instance)]));
  const description = { component: createHash('sha256').update(bytes).digest('hex'), types: types.all, imports: faces(imports), exports: faces(offers) };
  const core = modules.find((module) => WebAssembly.Module.exports(new WebAssembly.Module(module)).some(({ name }) => name === 'memory'));
  return { description, core };
}

/** Reads a component, those in it too. */
function component(reader, above) {
  const scope = new Scope(above);
  const imports = {};
  const modules = [];
  if (PREAMBLE.some((byte) => byte !== reader.byte())) throw new Error('this is no WebAssembly component');
  const read = {
    [SECTION.alias]: (section) => scope.alias(section),
    [SECTION.type]: (section) => scope.types.push(scope.type(section)),
    [SECTION.canon]: (section) => canon(section, scope),
    [SECTION.instance]: (section) => instantiation(section, scope),
    [SECTION.import]: (section) => {
      const name = section.name();
      imports[name] = scope.described(section, name);
    },
    [SECTION.export]: (section) => {
      const name = section.name();
      const [sort, place] = [section.byte(), section.number()];
      const exported = section.option(() => scope.described(section, name, false)) ?? scope.things(sort)[place];
      scope.offers[name] = scope.add(sort, sort === SORT.type ? named(name, exported) : exported);
    },
  };
  while (reader.at < reader.end) {
    const id = reader.byte();
    const length = reader.number();
    const section = new Reader(reader.bytes, reader.at, reader.at + length);
    reader.at += length;
    if (id === SECTION.coreModule) modules.push(reader.bytes.subarray(section.at, section.end));
    else if (id === SECTION.component) scope.components.push(component(section, scope));
    else if (read[id]) section.list(() => read[id](section));
  }
  return { modules, imports, offers: scope.offers };
}

/** An instance that is made in the component. */
function instantiation(reader, scope) {
  if (reader.byte() === 0x00) {
    const { offers } = scope.components[reader.number()];
    reader.list(() => [reader.text(), reader.byte(), reader.number()]);
    return scope.add(SORT.instance, { instance: offers });
  }
  const exported = reader.list(() => [reader.name(), scope.things(reader.byte())[reader.number()]]);
  return scope.add(SORT.instance, { instance: Object.fromEntries(exported) });
}

/** A function of the core made one of the component, or the other way. */
function canon(reader, scope) {
  const kind = reader.byte();
  if (kind > 1) unknown('canonical function', kind);
  reader.byte();
  reader.number();
  reader.list(() => {
    const option = reader.byte();
    // Text is UTF-8, and no call is asynchronous.
    if (![0, 3, 4, 5].includes(option)) unknown('canonical option', option);
    if (option) reader.number();
  });
  if (kind === 0) scope.add(SORT.func, scope.types[reader.number()]);
}

/** The types by name, the interface's in front: there are several `error`. Two that are the same share the name of the first. */
class Types {
  all = {};
  #names = new Map();

  functions(face, offers) {
    const short = face.replace(/^.*[:/]|@.*$/g, '');
    for (const [name, offered] of Object.entries(offers)) if (offered?.named) this.#name(`${short}.${name}`, offered.type);
    const functions = Object.entries(offers).filter(([, offered]) => offered?.params);
    return Object.fromEntries(functions.map(([name, { params, result }]) =>
      [name, { params: params.map(([param, type]) => [param, this.#written(type)]), ...(result && { result: this.#written(result) }) }]));
  }

  #name(name, type) {
    if (!type.record && !type.variant && !type.enum) return;
    const written = this.#members(type);
    const key = JSON.stringify(written);
    if (this.#names.has(key)) return;
    this.#names.set(key, name);
    this.all[name] = written;
  }

  #written(type) {
    if (type === undefined || type === null) return null;
    if (typeof type === 'string') return type;
    const written = this.#members(type.type ?? type);
    return this.#names.get(JSON.stringify(written)) ?? written;
  }

  #members(type) {
    const [[kind, members]] = Object.entries(type);
    switch (kind) {
      case 'enum': return type;
      case 'record': case 'variant': return { [kind]: members.map(([name, member]) => [name, this.#written(member)]) };
      case 'tuple': case 'result': return { [kind]: members.map((member) => this.#written(member)) };
      default: return { [kind]: this.#written(members) };
    }
  }
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${JSON.stringify(describe(readFileSync(process.argv[2])).description, null, 2)}\n`);
