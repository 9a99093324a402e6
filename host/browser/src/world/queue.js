// A double of an Amazon SQS standard queue: a received message is hidden for its visibility timeout and comes back unless it is
// deleted, under a new receipt handle; nothing is kept for longer than 14 days.

import { DAY, SECOND } from './names.js';

const RETENTION = 14 * DAY;
/** The account that Amazon sends notifications from. */
const SENDER = '437568002678';

/** A failure: what is thrown here becomes the error case of the WIT. */
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

  /** Puts a message in. `kind` is for the page: new-secret, foreign, unreadable. */
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

  /** The attributes of a queue as it should be, with what is in it. */
  inspect(name) {
    const arn = `arn:aws:sqs:eu-west-1:111122223333:${name}`;
    const statement = { Effect: 'Allow', Principal: { AWS: SENDER }, Action: 'sqs:SendMessage', Resource: arn };
    const { now } = this.world;
    const attributes = {
      QueueArn: arn,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      MessageRetentionPeriod: RETENTION / SECOND,
      VisibilityTimeout: 120,
      MaximumMessageSize: 262_144,
      DelaySeconds: 0,
      SqsManagedSseEnabled: true,
      ApproximateNumberOfMessages: this.messages.filter(({ visibleAt }) => visibleAt <= now).length,
      ApproximateNumberOfMessagesNotVisible: this.messages.filter(({ visibleAt, received }) => visibleAt > now && received > 0).length,
      ApproximateNumberOfMessagesDelayed: 0,
    };
    return { attributes: { tag: 'ok', val: Object.entries(attributes).map(([key, value]) => ({ name: key, value: `${value}` })) }, flow: 'pulled' };
  }
}
