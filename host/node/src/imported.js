import { contract } from '../component/component.js';
import { short } from './carrier.js';
import { Failure } from './failure.js';
import { camel } from './kinds.js';

/** The host's functions end in this many milliseconds: who writes a target for two minutes is taken for dead by other hosts. */
const LIMIT = 105_000;

/**
 * An interface's functions as the component sees them: what the host's function throws becomes a case of the import's error, never a trap, and it ends in time.
 * @param {string} face the interface
 * @param object the host's
 */
export function imported(face, object) {
  const [, functions] = Object.entries(contract.imports).find(([name]) => short(name) === `lwa:rotation/${face}`);
  return Object.fromEntries(Object.entries(functions).map(([called, { result: { result: [answer, error] } }]) => {
    const name = camel(called);
    const cases = contract.types[error].variant.map(([tag]) => tag);
    return [name, async (...args) => {
      try {
        const given = await ended(face, name, object[name](...args));
        if (answer === null) nothing(face, name, given);
        return given;
      } catch (thrown) {
        const { tag, val } = failed(thrown);
        if (tag) throw new Failure(cases.includes(tag) ? tag : 'other', `${val ?? tag}`);
        throw new Failure('other', `the host threw ${described(thrown)} in ${name}`);
      }
    }];
  }));
}

/** Waits for what a host's function promises. The timer keeps the process alive meanwhile: a call that is under way must not end as if it were done. */
async function ended(face, name, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    const tag = face === 'http' ? 'outcome-unknown' : 'unavailable';
    timer = setTimeout(() => reject(new Failure(tag, `${face}.${name} has not ended within ${LIMIT / 1000} seconds; whether it had its effect is not known`)), LIMIT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A function that has nothing to answer, and answers what has yet to be run or awaited, has not done its work: a generator, a list of promises. */
function nothing(face, name, given) {
  const pending = typeof given === 'function' || (typeof given === 'object' && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given));
  if (pending) throw new Failure('other', `${face}.${name} answered a function, a generator or a list, which nothing runs or awaits; make it an async function that answers nothing`);
}

/** The payload of a `Failure`, this package's or another copy's. */
function failed(thrown) {
  const { tag, val } = thrown?.payload ?? {};
  return typeof tag === 'string' ? { tag, val } : {};
}

/** An error by its name and code. Its text may hold anything, and so may what else is thrown. */
function described(thrown) {
  if (!(thrown instanceof Error)) return typeof thrown;
  return [thrown.name, thrown.code].filter((part) => ['string', 'number'].includes(typeof part)).join(' ');
}
