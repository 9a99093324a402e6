// The component: the very file that the `lwa-rotate` program runs, as bytes in a script of ours, because this page may fetch nothing.
// The core modules that run here are cut out of those bytes; what jco adds is the JavaScript that carries values across.

import { COMPONENT } from './component-bytes.js';
import { readComponent } from './binary.js';
import { replaying } from './replay.js';

/** Whether this browser can suspend WebAssembly while an import takes its time (JavaScript Promise Integration). */
export const canSuspend = () => typeof WebAssembly === 'object' && 'Suspending' in WebAssembly && 'promising' in WebAssembly;

/** How long to wait, in milliseconds, when there is no room for an instance, and how often. */
const NO_ROOM = { pause: 250, times: 20 };

/** Reads and compiles the component. */
export async function openComponent() {
  const bytes = Uint8Array.from(atob(COMPONENT), (character) => character.charCodeAt(0));
  const { imports, modules } = readComponent(bytes);
  const compiled = await Promise.all(modules.map((module) => WebAssembly.compile(module)));
  // The order of jco's names is the order in the file; build.mjs has compared the bytes.
  const core = (name) => compiled[Number(/core(\d*)\.wasm$/.exec(name)[1] || 1) - 1];
  const { instantiate } = await import(canSuspend() ? './rotator.js' : './rotator-sync.js');
  const make = async (imports) => {
    for (let times = 1; ; times += 1) {
      try {
        return await instantiate(core, imports);
      } catch (error) {
        // Each instance takes a large range of addresses, which a browser gives back when it gets to it.
        if (!(error instanceof RangeError) || times === NO_ROOM.times) throw error;
        await new Promise((resolve) => setTimeout(resolve, NO_ROOM.pause));
      }
    }
  };
  return {
    bytes,
    imports,
    digest: await digest(bytes),
    /** Makes an instance of its own for one call, and returns what it offers. */
    instantiate: async (serve) => (canSuspend() ? (await make(serve)).rotation : replaying(make, serve)),
  };
}

async function digest(bytes) {
  // Browsers compute digests for secure origins alone: https, and this machine.
  if (!globalThis.crypto?.subtle) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
