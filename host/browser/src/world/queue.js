// A double of an Amazon SQS standard queue: a received message is hidden for its visibility timeout and comes back unless it is
// deleted, under a new receipt handle; nothing is kept for longer than 14 days.

import { DAY, SECOND } from './names.js';

const RETENTION = 14 * DAY;

/** How the component is told of a failure: what is thrown here becomes the error case of the WIT. */
export const failure = (tag, val) => Object.assign(new Error(tag), { payload: { tag, val } });

export class Queue {
  /** `{ id, body, kind, secret, sentAt, visibleAt, received }`, in the order of sending. */
  messages = [];
  #sent = 0;

  constructor(world) {
    this.world = world;
  }

  /** The messages that the component has to finish. */
  get ours() {
    return this.messages.filter((message) => message.kind === 'new-secret');
  }

  /** Amazon, or whoever may, sends a message. `kind` is for the page: new-secret, foreign, unreadable. */
  put(body, kind, delay, secret) {
    this.#sent += 1;
    const { now } = this.world;
    const message = { id: `message-${this.#sent}`, body, kind, secret, sentAt: now, visibleAt: now + delay, received: 0 };
    this.messages.push(message);
    this.world.tell({ type: 'sent', message, delay });
  }

  receive(max, wait, visibility) {
    const { world } = this;
    this.messages = this.messages.filter((message) => world.now < message.sentAt + RETENTION);
    const visible = () => this.messages.filter((message) => message.visibleAt <= world.now);
    if (visible().length === 0) {
      // A long poll ends with the first message.
      const first = Math.min(...this.messages.map((message) => message.visibleAt));
      world.now = Math.max(world.now, Math.min(first, world.now + wait * SECOND));
    }
    return visible().slice(0, max).map((message) => {
      message.received += 1;
      message.visibleAt = world.now + visibility * SECOND;
      return {
        id: message.id,
        receiptHandle: `${message.id}#${message.received}`,
        body: new TextEncoder().encode(message.body),
        receiveCount: message.received,
        sentAt: BigInt(message.sentAt),
      };
    });
  }

  /** The message of this receipt, unless it was received again or is gone. */
  find(receiptHandle) {
    return this.messages.find((message) => `${message.id}#${message.received}` === receiptHandle);
  }

  delete(receiptHandle) {
    const message = this.find(receiptHandle);
    if (message) this.messages.splice(this.messages.indexOf(message), 1);
  }

  hide(receiptHandle, visibility) {
    const message = this.find(receiptHandle);
    if (!message) throw failure('stale-receipt');
    message.visibleAt = this.world.now + visibility * SECOND;
  }
}
