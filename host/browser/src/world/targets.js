// The places where applications read their credential.

import { CLIENT_ID, TARGETS } from './names.js';
import { failure } from './queue.js';

export class Targets {
  /** Name → `{ secret, at }`. */
  held = new Map();
  #failures = 0;

  constructor(world) {
    this.world = world;
  }

  put(target, { clientSecret }) {
    const [, orders] = TARGETS;
    if (!TARGETS.some(({ name }) => name === target)) throw failure('unknown-target');
    if (target === orders.name && this.world.faults.take('target')) this.#failures = 2;
    if (target === orders.name && this.#failures > 0) {
      this.#failures -= 1;
      throw failure('unavailable', 'the orders service does not answer');
    }
    this.held.set(target, { secret: new TextDecoder().decode(clientSecret), at: this.world.now });
  }

  read(target) {
    const held = this.held.get(target);
    return held ? { tag: 'credential', val: { clientId: CLIENT_ID, clientSecret: new TextEncoder().encode(held.secret) } } : { tag: 'none' };
  }
}
