// Everything outside the component: a clock that only moves when it is moved, a simulated Amazon, a queue, a store, the
// targets. Every secret and token in it is made up here.

import { Amazon } from './amazon.js';
import { Faults } from './faults.js';
import { Queue } from './queue.js';
import { Random } from './random.js';
import { Store } from './store.js';
import { Targets } from './targets.js';

const START = Date.UTC(2027, 2, 1, 9, 0, 0);

export class World {
  now = START;
  /** Value → `{ kind, number }` for everything that must not be shown by itself. */
  invented = new Map();
  #counts = { secret: 0, token: 0 };
  #listeners = new Set();

  constructor(seed = 1) {
    this.random = new Random(seed);
    this.faults = new Faults(this);
    this.queue = new Queue(this);
    this.store = new Store(this);
    this.targets = new Targets(this);
    this.amazon = new Amazon(this);
  }

  /** Remembers a made-up value as a secret, or a token. */
  invent(kind, value) {
    this.#counts[kind] += 1;
    this.invented.set(value, { kind, number: this.#counts[kind] });
    return value;
  }

  /** Moves the clock ahead; it never goes back. */
  moveTo(instant) {
    if (instant <= this.now) return;
    const from = this.now;
    this.now = instant;
    this.tell({ type: 'clock', from });
  }

  listen(listener) {
    this.#listeners.add(listener);
  }

  /** Removes all listeners. */
  deafen() {
    this.#listeners.clear();
  }

  /** Tells the listeners what happens: `{ type, … }`, with the time. */
  tell(what) {
    what.at = this.now;
    for (const listener of this.#listeners) listener(what);
  }

  /** The text cut where secrets and tokens are: strings, and `{ value, kind, number }`. */
  cut(text) {
    const parts = [];
    let rest = text;
    while (rest) {
      let first;
      for (const [value, { kind, number }] of this.invented) {
        const at = rest.indexOf(value);
        if (at >= 0 && (!first || at < first.at)) first = { at, value, kind, number };
      }
      if (!first) break;
      if (first.at > 0) parts.push(rest.slice(0, first.at));
      parts.push(first);
      rest = rest.slice(first.at + first.value.length);
    }
    if (rest) parts.push(rest);
    return parts;
  }
}
