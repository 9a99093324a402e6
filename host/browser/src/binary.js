// Reads a WebAssembly component: what it imports, and the core modules in it. Nothing but what those two need.
// See https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const SECTION = { module: 1, type: 7, import: 10 };
const SORT = { coreModule: 0x00, func: 0x01, value: 0x02, type: 0x03, component: 0x04, instance: 0x05 };

class Reader {
  constructor(bytes, at = 0, end = bytes.length) {
    Object.assign(this, { bytes, at, end });
  }

  get done() {
    return this.at >= this.end;
  }

  byte() {
    if (this.done) throw new Error('the component ends too early');
    return this.bytes[this.at++];
  }

  /** LEB128, of either sign; only small ones matter here. */
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
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  vector(read) {
    return Array.from({ length: this.number() }, () => read());
  }

  option(read) {
    return this.byte() === 1 ? read() : undefined;
  }

  /** A name of an import or export. */
  name() {
    const kind = this.byte();
    const name = this.text();
    if (kind === 0x02) this.vector(() => { this.byte(); this.text(); });
    return name;
  }

  /** What an import or export is: its sort, and the index of its type. */
  description() {
    const sort = this.byte();
    if (sort === SORT.coreModule) this.byte();
    if (sort === SORT.type || sort === SORT.value) return { sort, type: this.byte() === 0x00 ? this.number() : this.skipped(sort) };
    return { sort, type: this.number() };
  }

  skipped(sort) {
    // (type (sub resource)) has nothing behind it; a value's type follows.
    if (sort === SORT.value) this.number();
    return undefined;
  }

  /** One type; an instance's functions are kept, the rest is passed over. */
  type() {
    const value = () => this.number();
    const labelled = () => { this.text(); value(); };
    const form = this.byte();
    switch (form) {
      case 0x72: this.vector(labelled); break; // record
      case 0x71: this.vector(() => { this.text(); this.option(value); this.byte(); }); break; // variant
      case 0x70: case 0x6b: case 0x69: case 0x68: value(); break; // list, option, own, borrow
      case 0x67: value(); this.number(); break; // list of a fixed length
      case 0x6f: this.vector(value); break; // tuple
      case 0x6e: case 0x6d: this.vector(() => this.text()); break; // flags, enum
      case 0x6a: this.option(value); this.option(value); break; // result
      case 0x40: case 0x43: // func, async func
        this.vector(labelled);
        if (this.byte() === 0x00) value();
        else this.byte();
        break;
      case 0x42: return { functions: this.vector(() => this.declaration()).filter(Boolean) }; // instance
      case 0x41: this.vector(() => (this.bytes[this.at] === 0x03 ? (this.byte(), this.name(), this.description()) : this.declaration())); break;
      default:
        if (form < 0x73) throw new Error(`a type that this page cannot read: 0x${form.toString(16)}`);
    }
    return {};
  }

  /** One line of an instance's type; the name if it is a function. */
  declaration() {
    switch (this.byte()) {
      case 0x01: this.type(); break;
      case 0x02: this.alias(); break;
      case 0x04: {
        const name = this.name();
        return this.description().sort === SORT.func ? name : undefined;
      }
      default: throw new Error('a declaration that this page cannot read');
    }
    return undefined;
  }

  alias() {
    if (this.byte() === 0x00) this.byte();
    const target = this.byte();
    this.number();
    if (target === 0x02) this.number();
    else this.text();
  }
}

/**
 * @param {Uint8Array} bytes a component
 * @returns {{ imports: { name: string, functions: string[] }[], modules: Uint8Array[] }} its imports in their order, with the
 *   functions of each, and its core modules
 */
export function readComponent(bytes) {
  if (!PREAMBLE.every((byte, place) => bytes[place] === byte)) throw new Error('this is no WebAssembly component');
  const reader = new Reader(bytes, PREAMBLE.length);
  const [imports, modules, types] = [[], [], []];
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.number();
    const section = new Reader(bytes, reader.at, reader.at + length);
    reader.at += length;
    if (id === SECTION.module) modules.push(bytes.subarray(section.at, section.end));
    if (id === SECTION.type) types.push(...section.vector(() => section.type()));
    if (id === 6) section.vector(() => {
      // An alias of a type of an instance takes a place among the types.
      const sort = section.byte();
      section.at -= 1;
      section.alias();
      if (sort === SORT.type) types.push({});
    });
    if (id === SECTION.import) {
      section.vector(() => {
        const name = section.name();
        const { sort, type } = section.description();
        if (sort === SORT.type) types.push({});
        const functions = sort === SORT.func ? [name] : (types[type]?.functions ?? []);
        imports.push({ name, functions });
      });
    }
  }
  return { imports, modules };
}
