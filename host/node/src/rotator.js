import { readFile } from 'node:fs/promises';
import { instantiate } from '../component/component.js';
import { application } from './application.js';
import { Failure, RotationError } from './failure.js';
import { Http } from './http.js';

const EXPORTS = ['enroll', 'advance', 'deliver', 'drain', 'request', 'resume', 'status', 'prove', 'reveal'];
const NOWHERE = { async put() { throw new Failure('unknown-target'); } };
const NO_QUEUE = { async receive(queue) { throw new Failure('not-found', `this host reads no queue, so not '${queue}' either`); } };

/** Compiled once; every call gets an instance of its own, so no memory outlives a call and no application sees another's. */
const modules = {};
const compiled = (name) => modules[name] ??= readFile(new URL(`../component/${name}`, import.meta.url)).then((code) => WebAssembly.compile(code));

/** An import as the component sees it: what a host's function throws becomes a case of the import's error, never a trap. */
function imported(object, functions, cases) {
  return Object.fromEntries(functions.map((called) => [called, async (...args) => {
    try {
      return await object[called](...args);
    } catch (error) {
      const { tag, val } = error?.payload ?? {};
      if (tag) throw new Failure(cases.includes(tag) ? tag : 'other', `${val ?? tag}`);
      // The text of an error that nobody here knows may hold anything.
      throw new Failure('other', ['the host threw', error?.name ?? typeof error, error?.code, `in ${called}`].filter(Boolean).join(' '));
    }
  }]));
}

/** Whoever writes a target for two minutes is taken for dead by other hosts. */
async function tooLong() {
  await new Promise((resolve) => { setTimeout(resolve, 105_000).unref(); });
  throw new Failure('unavailable', 'the target was not done in time; nobody knows whether it has taken the secret');
}

/** The component with its host. See README.md for how to drive it. */
export class Rotator {
  #imports;

  constructor({ applications, store, queue = NO_QUEUE, publish = NOWHERE, http, observe, now = Date.now, random = randomU64 }) {
    if (!WebAssembly.Suspending) {
      throw new Error(`Node ${process.versions.node} cannot suspend WebAssembly; use Node 25 or later, or Node 24 with --experimental-wasm-jspi`);
    }
    if (!applications?.length) throw new TypeError('a Rotator needs applications');
    if (!store) throw new TypeError('a Rotator needs a store');
    const settings = new Map(applications.map(application).map((one) => [one.clientId, one]));
    if (settings.size < applications.length) throw new TypeError('two applications have the same client id');
    http ??= new Http([...settings.values()].flatMap((one) => [one.tokenEndpoint, one.apiEndpoint]));
    this.#imports = {
      'lwa:rotation/settings': { find: (clientId) => settings.get(clientId) },
      'lwa:rotation/http': imported(http, ['send'], ['not-sent', 'forbidden', 'outcome-unknown', 'too-large']),
      'lwa:rotation/queue': imported(queue, ['receive', 'delete', 'hide'], ['not-found', 'access-denied', 'stale-receipt', 'unavailable']),
      'lwa:rotation/store': imported(store, ['load', 'save'], ['conflict', 'access-denied', 'full', 'unavailable']),
      'lwa:rotation/publish': imported({ put: (...args) => Promise.race([publish.put(...args), tooLong()]) }, ['put'], ['unknown-target', 'access-denied', 'unavailable']),
      'lwa:rotation/observe': { emit: (event) => { Promise.try(() => observe?.emit(event)).catch(() => { /* it cannot fail */ }); } },
      'wasi:clocks/wall-clock': { now: (at = Math.floor(now())) => ({ seconds: BigInt(Math.floor(at / 1000)), nanoseconds: (at % 1000) * 1e6 }) },
      'wasi:random/random': { getRandomU64: random },
    };
  }

  static {
    for (const name of EXPORTS) {
      this.prototype[name] = async function (...args) {
        const { rotation } = await instantiate(compiled, this.#imports);
        try {
          return await rotation[name](...args);
        } catch (error) {
          // The generated code throws the error of the result, in a wrapper of its own or as it is.
          const reason = error?.payload ?? error;
          throw new RotationError(reason?.tag ? reason : { tag: 'stopped', val: `${error?.name}: an argument, or what the host answered, is not what the contract says` });
        }
      };
    }
  }
}

const randomU64 = () => crypto.getRandomValues(new BigUint64Array(1))[0];
