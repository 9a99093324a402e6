import { Failure } from './failure.js';

/** Keeps records in memory, for tests; lost with the process. */
export class MemoryStore {
  #records = new Map();

  async load(clientId) {
    const kept = this.#records.get(clientId);
    return kept && { ...kept, document: kept.document.slice() };
  }

  async save(clientId, document, expected) {
    const stored = this.#records.get(clientId)?.revision;
    if (stored !== expected) throw new Failure('conflict');
    const revision = `${Number(stored ?? 0) + 1}`;
    this.#records.set(clientId, { revision, document: document.slice() });
    return revision;
  }
}

/** One queue in memory, for tests: a message that is not deleted comes back when its time has come. */
export class MemoryQueue {
  #messages = [];
  #now;
  #sent = 0;

  constructor({ now = Date.now } = {}) {
    this.#now = now;
  }

  /** Puts a message in; answers its id. */
  send(body) {
    const id = `message-${++this.#sent}`;
    this.#messages.push({ id, body: Buffer.from(body), receiveCount: 0, visibleAt: 0, sentAt: BigInt(this.#now()) });
    return id;
  }

  /** How many messages there are, hidden ones included. */
  get length() {
    return this.#messages.length;
  }

  async receive(queue, max, wait, visibility) {
    const visible = this.#messages.filter((message) => message.visibleAt <= this.#now()).slice(0, max);
    return visible.map((message) => {
      message.visibleAt = this.#now() + visibility * 1000;
      message.receiveCount += 1;
      const { id, body, receiveCount, sentAt } = message;
      return { id, body, receiveCount, sentAt, receiptHandle: `${id}#${receiveCount}` };
    });
  }

  async delete(queue, receiptHandle) {
    this.#messages = this.#messages.filter(({ id }) => id !== receiptHandle.split('#')[0]);
  }

  async hide(queue, receiptHandle, visibility) {
    const message = this.#messages.find(({ id, receiveCount }) => `${id}#${receiveCount}` === receiptHandle);
    if (!message) throw new Failure('stale-receipt');
    message.visibleAt = this.#now() + visibility * 1000;
  }
}
