// The places where applications read their credential.

import { TARGETS } from './names.js';
import { failure } from './queue.js';

export class Targets {
  /** Name → `{ secret, at }`. */
  held = new Map();
  #failures = 0;

  constructor(world) {
    this.world = world;
  }

  put(target, { clientSecret }) {
    if (!TARGETS.includes(target)) throw failure('unknown-target');
    if (target === TARGETS[1] && this.world.faults.take('target')) this.#failures = 2;
    if (target === TARGETS[1] && this.#failures > 0) {
      this.#failures -= 1;
      throw failure('unavailable', 'the orders service does not answer');
    }
    this.held.set(target, { secret: new TextDecoder().decode(clientSecret), at: this.world.now });
  }
}
