// A store as `wit/store.wit` wants it: one document, replaced by compare-and-swap. That it is in memory and not durable is the
// one promise that a page cannot keep; a host that is killed here dies alone, and the page lives on.

import { failure } from './queue.js';

export class Store {
  /** `{ revision, document }`, or nothing before enrolment. */
  entry = undefined;
  #text = '{}';

  constructor(world) {
    this.world = world;
  }

  /** The document as the component wrote it, parsed; only the page looks inside. */
  get record() {
    return this.entry && JSON.parse(this.#text);
  }

  get text() {
    return this.#text;
  }

  load() {
    return this.entry && { revision: String(this.entry.revision), document: this.entry.document.slice() };
  }

  /** `replacing` is called when the save is going to take place. */
  save(document, expected, replacing) {
    if (this.entry && this.world.faults.take('conflict')) {
      // Another host writes the same document in this very moment.
      this.entry.revision += 1;
    }
    const present = this.entry && String(this.entry.revision);
    if (present !== expected) throw failure('conflict');
    replacing();
    this.entry = { revision: (this.entry?.revision ?? 0) + 1, document: document.slice() };
    this.#text = new TextDecoder().decode(document);
    return String(this.entry.revision);
  }

  remove(expected) {
    if (!this.entry || String(this.entry.revision) !== expected) throw failure('conflict');
    this.entry = undefined;
    this.#text = '{}';
  }
}
