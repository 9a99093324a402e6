// The component: the very file that the `lwa-rotate` program runs, as bytes in a script of ours, because this page may fetch nothing.
// Its core is cut out of those bytes and runs here; the Node host's carrier takes values across.

import { canSuspend, carrier } from './carrier.js';
import { COMPONENT, CONTRACT, CORE } from './component-bytes.js';

export { canSuspend };

/** Reads and compiles the component. */
export async function openComponent() {
  const bytes = Uint8Array.from(atob(COMPONENT), (character) => character.charCodeAt(0));
  const open = carrier(CONTRACT, await WebAssembly.compile(bytes.subarray(...CORE)));
  return {
    bytes,
    imports: Object.entries(CONTRACT.imports).map(([name, functions]) => ({ name, functions: Object.keys(functions) })),
    digest: await digest(bytes),
    /** What it offers; each call runs in an instance of its own. */
    instantiate: (serve) => open(serve)['lwa:rotation/rotation'],
  };
}

async function digest(bytes) {
  // Browsers compute digests for secure origins alone: https, and this machine.
  if (!globalThis.crypto?.subtle) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
