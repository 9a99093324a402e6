import { Failure } from './failure.js';

/** The account that Amazon sends the notifications from. */
const SENDER = '437568002678';

/** Keeps records in memory, for tests; lost with the process. */
export class MemoryStore {
  #records = new Map();
  #saves = 0;

  async load(clientId) {
    const kept = this.#records.get(clientId);
    return kept && { ...kept, document: kept.document.slice() };
  }

  async save(clientId, document, expected) {
    const stored = this.#records.get(clientId)?.revision;
    if (stored !== expected) throw new Failure('conflict');
    // Never the same again, even after a removal.
    const revision = `${++this.#saves}`;
    this.#records.set(clientId, { revision, document: document.slice() });
    return revision;
  }

  async remove(clientId, expected) {
    if (!expected || this.#records.get(clientId)?.revision !== expected) throw new Failure('conflict');
    this.#records.delete(clientId);
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
    this.#messages.push({ id, body: Buffer.from(body), receiveCount: 0, visibleAt: 0 });
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
      const { id, body, receiveCount } = message;
      return { id, body, receiveCount, receiptHandle: `${id}#${receiveCount}` };
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

  /** A standard queue as it should be, with the messages that it holds. */
  async inspect(queue) {
    const arn = `arn:aws:sqs:eu-west-1:000000000000:${queue}`;
    const statement = { Effect: 'Allow', Principal: { AWS: SENDER }, Action: 'sqs:SendMessage', Resource: arn };
    const visible = this.#messages.filter((message) => message.visibleAt <= this.#now()).length;
    const attributes = {
      QueueArn: arn,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      VisibilityTimeout: 120,
      MaximumMessageSize: 262_144,
      DelaySeconds: 0,
      SqsManagedSseEnabled: true,
      ApproximateNumberOfMessages: visible,
      ApproximateNumberOfMessagesNotVisible: this.length - visible,
      ApproximateNumberOfMessagesDelayed: 0,
    };
    return { attributes: { tag: 'ok', val: Object.entries(attributes).map(([name, value]) => ({ name, value: `${value}` })) }, flow: 'pulled' };
  }
}
