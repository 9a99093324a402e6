// Carries calls between JavaScript and the core of the component: whatever `describe.js` says that it imports and exports.
import { camel, isBytes, kinds, tuple } from './kinds.js';

/** What there is more of than these goes through the memory. */
const MOST = { params: 16, results: 1 };

/** The name of an interface without its version. */
export const short = (face) => face.replace(/@.*$/, '');

/** A function of the description. */
function signature(face, name, { params, result }, of) {
  const names = params.map(([param]) => camel(param));
  return {
    core: [face, name],
    name: camel(name),
    called: `${short(face).replace(/^.*[:/]/, '')}.${camel(name)}`,
    params: tuple(params.map(([, type]) => of(type)), names),
    result: result && of(result),
    fails: Boolean(result?.result),
  };
}

/** An instance of the core, as those see it who carry values. */
class Core {
  #bytes;
  #view;

  get bytes() {
    // Memory that has grown is another buffer.
    if (this.#bytes?.buffer !== this.exports.memory.buffer) this.#bytes = new Uint8Array(this.exports.memory.buffer);
    return this.#bytes;
  }

  get view() {
    if (this.#view?.buffer !== this.exports.memory.buffer) this.#view = new DataView(this.exports.memory.buffer);
    return this.#view;
  }

  room(align, size) {
    return size === 0 ? align : this.exports.cabi_realloc(0, 0, align, size) >>> 0;
  }

  /** An import as the core calls it. `ask(args)` says what the host answers, or promises it. */
  imported({ params, result }, ask) {
    const finish = (value, into) => {
      if (result?.flat.length > MOST.results) return result.store(this, into, value);
      return result?.lower(this, value)[0];
    };
    return (...flats) => {
      const args = params.flat.length > MOST.params ? params.load(this, flats.shift() >>> 0) : params.lift(this, flats);
      const into = flats[0] >>> 0;
      const answer = ask(args);
      return answer instanceof Promise ? answer.then((value) => finish(value, into)) : finish(answer, into);
    };
  }

  /** The arguments of an export as it takes them. */
  lowered({ params }, args) {
    if (params.flat.length <= MOST.params) return params.lower(this, args);
    const place = this.room(params.align, params.size);
    params.store(this, place, args);
    return [place];
  }

  /** What an export has returned. */
  lifted({ core, result }, given) {
    const value = result?.flat.length > MOST.results ? result.load(this, given >>> 0) : result?.lift(this, [given]);
    this.exports[`cabi_post_${core.join('#')}`]?.(given);
    return value;
  }
}

/** Asks the host: what it answers, checked and copied, or a promise of that. What it throws with a `payload` is an answer too. */
function asked({ result, fails, called }, serve, args) {
  const taken = (value) => result?.take(value, `what ${called} answered`);
  const ok = (value) => taken(fails ? { tag: 'ok', val: value } : value);
  const failed = (error) => {
    if (!fails || !error?.payload) throw error;
    return taken({ tag: 'err', val: error.payload });
  };
  let answer;
  try {
    answer = serve(...args);
  } catch (error) {
    return failed(error);
  }
  return typeof answer?.then === 'function' ? Promise.resolve(answer).then(ok, failed) : ok(answer);
}

/** Whether WebAssembly can be suspended while an import takes its time (JavaScript Promise Integration). */
export const canSuspend = () => 'Suspending' in WebAssembly && 'promising' in WebAssembly;

/** Runs an export in an instance that is suspended while an import takes its time. */
async function suspended(make, exported, args) {
  const core = await make((core, one, serve) => new WebAssembly.Suspending(core.imported(one, (given) => asked(one, serve, given))));
  const run = WebAssembly.promising(core.exports[exported.core.join('#')]);
  return core.lifted(exported, await run(...core.lowered(exported, args)));
}

class Unanswered {
  constructor(answer) {
    this.answer = answer;
  }
}

/**
 * The same without suspending: an import whose answer is not there yet ends the instance; when it is there, the call is made once more from its start, with all
 * answers so far. That leads to the same place, for the component knows nothing but what its imports answer (rule 10).
 */
async function replayed(make, exported, args) {
  const journal = [];
  for (;;) {
    let place = 0;
    const noted = (one, serve) => (given) => {
      const before = journal[place++];
      if (before) {
        if (before.one !== one || !same(before.given, given)) throw new Error('the component asks for other things than before, of the same answers');
        if ('error' in before) throw before.error;
        return before.answer;
      }
      const entry = { one, given };
      const answer = asked(one, serve, structuredClone(given));
      journal.push(entry);
      if (!(answer instanceof Promise)) return (entry.answer = answer);
      throw new Unanswered(answer.then((value) => { entry.answer = value; }, (error) => { entry.error = error; }));
    };
    const core = await make((core, one, serve) => core.imported(one, noted(one, serve)));
    try {
      return core.lifted(exported, core.exports[exported.core.join('#')](...core.lowered(exported, args)));
    } catch (stopped) {
      if (!(stopped instanceof Unanswered)) throw stopped;
      await stopped.answer;
    }
  }
}

/** Whether two values that were carried are the same. */
function same(a, b) {
  if (typeof a !== 'object' || a === null || b === null) return a === b;
  if (isBytes(a)) return a.length === b.length && a.every((byte, i) => byte === b[i]);
  return Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((name) => same(a[name], b[name]));
}

/** How long to wait, in milliseconds, when there is no room for an instance, and how often. */
const NO_ROOM = { pause: 250, times: 20 };

async function instance(module, imports) {
  for (let times = 1; ; times += 1) {
    try {
      return await WebAssembly.instantiate(module, imports);
    } catch (error) {
      // Each takes a large range of addresses, which is given back when its garbage is collected.
      if (!(error instanceof RangeError) || times === NO_ROOM.times) throw error;
      await new Promise((resolve) => { setTimeout(resolve, NO_ROOM.pause); });
    }
  }
}

/**
 * @param description what `describe.js` says of a component
 * @param {WebAssembly.Module} module its core
 * @returns a function that takes what serves the imports, by interface and function, and answers the exports in the same way. Names of interfaces are without
 *   their version. A function that serves may throw or promise; an import's `err` is the `payload` of what it throws, and so is an export's. Each call of an
 *   export gets an instance of its own, so that no memory outlives a call.
 */
export function carrier({ types, imports, exports }, module) {
  const of = kinds(types);
  const signatures = (faces) => Object.entries(faces).flatMap(([face, functions]) => Object.entries(functions).map(([name, one]) => signature(face, name, one, of)));
  const known = signatures(imports);
  const strange = WebAssembly.Module.imports(module).find((needed) => !known.some(({ core: [face, name] }) => face === needed.module && name === needed.name));
  if (strange) throw new Error(`the component imports ${strange.module}#${strange.name}, which its description does not have`);
  return (served) => {
    const make = async (wire) => {
      const core = new Core();
      const wired = {};
      for (const one of known) (wired[one.core[0]] ??= {})[one.core[1]] = wire(core, one, served[short(one.core[0])][one.name]);
      core.exports = (await instance(module, wired)).exports;
      core.exports._initialize?.();
      return core;
    };
    const offered = {};
    for (const one of signatures(exports)) {
      (offered[short(one.core[0])] ??= {})[one.name] = async (...given) => {
        const args = one.params.take(given, `the arguments of ${one.name}`);
        const value = await (canSuspend() ? suspended : replayed)(make, one, args);
        if (!one.fails) return value;
        if (value.tag === 'ok') return value.val;
        throw Object.assign(new Error(value.val?.tag ?? `${one.name} failed`), { payload: value.val });
      };
    }
    return offered;
  };
}
