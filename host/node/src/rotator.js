import { contract, core } from '../component/component.js';
import { application } from './application.js';
import { carrier } from './carrier.js';
import { Failure, RotationError } from './failure.js';
import { Http } from './http.js';
import { imported } from './imported.js';
import { camel, Mismatch } from './kinds.js';

const CONTRACT = 'lwa:rotation/';
const ROTATION = `${CONTRACT}rotation`;
const NOWHERE = { async put() { throw new Failure('unknown-target'); } };
const NO_QUEUE = { async receive(queue) { throw new Failure('not-found', `this host reads no queue, so not '${queue}' either`); } };

let opened;

/** The component, compiled once. A failure is not kept. */
function component() {
  opened ??= WebAssembly.compile(Buffer.from(core, 'base64')).then((module) => carrier(contract, module));
  opened.catch(() => { opened = undefined; });
  return opened;
}

/** The component with its host. See README.md for how to drive it. */
export class Rotator {
  #imports;

  constructor({ applications, store, queue = NO_QUEUE, publish = NOWHERE, http, observe, now = Date.now, random = randomU64 }) {
    if (!applications?.length) throw new TypeError('a Rotator needs applications');
    if (!store) throw new TypeError('a Rotator needs a store');
    const settings = new Map(applications.map(application).map((one) => [one.clientId, one]));
    if (settings.size < applications.length) throw new TypeError('two applications have the same client id');
    http ??= new Http([...settings.values()].flatMap((one) => [one.tokenEndpoint, one.apiEndpoint]));
    const hosts = { http, queue, store, publish };
    this.#imports = {
      ...Object.fromEntries(Object.entries(hosts).map(([face, object]) => [CONTRACT + face, imported(face, object)])),
      [`${CONTRACT}settings`]: { find: (clientId) => settings.get(clientId) },
      [`${CONTRACT}observe`]: { emit: (event) => told(observe, event) },
      'wasi:clocks/wall-clock': { now: (at = Math.floor(now())) => ({ seconds: Math.floor(at / 1000), nanoseconds: (at % 1000) * 1e6 }) },
      'wasi:random/random': { getRandomU64: random },
    };
  }

  static {
    for (const [face, functions] of Object.entries(contract.exports)) {
      if (!face.startsWith(`${ROTATION}@`)) continue;
      for (const name of Object.keys(functions).map(camel)) {
        this.prototype[name] = async function (...args) {
          try {
            const open = await component();
            return await open(this.#imports)[ROTATION][name](...args);
          } catch (error) {
            throw new RotationError(error?.payload ?? { tag: 'stopped', val: stopped(error) });
          }
        };
      }
    }
  }
}

/** Why a call ended without a case of the contract. Only texts of this package: others may hold anything. */
function stopped(error) {
  if (error instanceof Mismatch) return `${error.message}; see the declarations of the package`;
  if (typeof WebAssembly === 'undefined') return 'this JavaScript runs no WebAssembly; start node without --jitless';
  if (error instanceof RangeError) return 'there is no room for an instance of the component; call again, with fewer calls at the same time';
  return `${error?.name ?? typeof error} in the component, or in what gives it the time and random numbers`;
}

/** An observer cannot fail, now or later. */
function told(observe, event) {
  try {
    Promise.resolve(observe?.emit(event)).catch(() => {});
  } catch {
    // Its event is lost, and nothing else.
  }
}

const randomU64 = () => crypto.getRandomValues(new BigUint64Array(1))[0];
