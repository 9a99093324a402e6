// The rules that hold whatever happens (docs/rotation.md), and a judge who looks at every effect and knows what the component does
// not: what Amazon issued and accepted. What he finds broken is shown in red, and fails the tests.

import { intentOf, isVerified } from './record.js';
import { TARGETS } from './world/names.js';

/** Number, name, one sentence. */
export const RULES = [
  [1, 'Intent first', 'The rotate call is sent only after the intent is saved.'],
  [2, 'Never twice on a guess', 'One intent, one call. What became of it is waited for, not tried again.'],
  [3, 'One caller', 'Any number of hosts; compare-and-swap lets one of them call.'],
  [4, 'Keep before verification, verification before use', 'Saved at once; current and published only when SP-API has accepted it.'],
  [5, 'Acknowledge last', 'At every instant the newest secret is in the store or in the queue.'],
  [6, 'Newest wins', 'A duplicate or an older message changes nothing.'],
  [7, 'Not ours, not touched', 'Messages of others, and bodies that cannot be read, stay.'],
  [8, 'The retired secret stays', 'It is kept until Amazon ends it.'],
  [9, 'No secret in any output', 'No event, status or error holds one.'],
  [10, 'Same inputs, same run', 'Each call is run again with the same answers, and has to do the same.'],
  [11, 'Say what to do', 'Each problem says what happened, what still works, and the remedy.'],
];

export class Judge {
  /** Rule number → how often it was looked at. */
  looks = new Map(RULES.map(([number]) => [number, 0]));
  /** What was found broken: `{ rule, what }`. */
  broken = [];
  #calls = new Map();

  constructor(world) {
    this.world = world;
  }

  #look(rule, holds, what) {
    this.looks.set(rule, this.looks.get(rule) + 1);
    if (!holds) {
      this.broken.push({ rule, what });
      this.world.tell({ type: 'broken', rule, what });
    }
  }

  /** Before a rotate call is sent by a host that last saved this intent. */
  rotateCall(intent, hosts) {
    const { record } = this.world.store;
    this.#look(1, intent !== undefined && record && intentOf(record) === intent, 'a rotate call without its intent');
    const sent = (this.#calls.get(intent) ?? 0) + 1;
    this.#calls.set(intent, sent);
    this.#look(2, sent === 1, 'one intent made two calls');
    if (hosts > 1) this.#look(3, sent === 1, 'two hosts made the call');
  }

  /** Before a document replaces the present one. */
  save(next) {
    const { amazon, store, now } = this.world;
    const before = store.record;
    const { current: { secret }, retired = [], candidates = [] } = next.secrets;
    if (isVerified(next)) this.#look(4, amazon.verified.has(secret), 'a secret is called verified that SP-API never accepted');
    if (!before) return;
    const kept = (one) => one === secret || [...retired, ...candidates].some((other) => other.secret === one);
    const { current: replaced, retired: retiredBefore = [] } = before.secrets;
    if (replaced.secret !== secret) {
      const place = (one) => amazon.issued.findIndex((issued) => issued.secret === one);
      this.#look(6, place(secret) > place(replaced.secret), 'an older secret has replaced a newer one');
      this.#look(8, kept(replaced.secret), 'the replaced secret is not kept');
    }
    for (const old of retiredBefore) this.#look(8, old.ends_at <= now || kept(old.secret), 'a retired secret went before its end');
  }

  /** Before a target is written. */
  publish(secret) {
    this.#look(4, this.world.amazon.verified.has(secret), 'a secret is published that was not verified');
  }

  /** Before a message is deleted. */
  delete(message) {
    if (!message) return;
    this.#look(7, message.kind === 'new-secret', 'a message that is not ours is deleted');
    if (message.kind !== 'new-secret') return;
    const { amazon, store, targets } = this.world;
    const { current } = store.record.secrets;
    const published = TARGETS.every(({ name }) => targets.held.get(name)?.secret === current.secret);
    const place = (one) => amazon.issued.findIndex((issued) => issued.secret === one);
    const newer = place(current.secret) > place(message.secret) && amazon.verified.has(current.secret);
    this.#look(5, newer || (current.secret === message.secret && published), 'a message is deleted too early');
  }

  /** A message is left: it must still be there. */
  left(id) {
    this.#look(7, this.world.queue.messages.some((message) => message.id === id), 'a message that is not ours is gone');
  }

  /** A message said nothing new: what was current stays. */
  messageOld() {
    const { amazon, store } = this.world;
    this.#look(6, store.record.secrets.current.secret === amazon.newest.secret, 'an older message changed something');
  }

  /** After every effect, and after a host was killed. */
  always() {
    const { amazon, queue, store } = this.world;
    if (amazon.issued.length < 2) return; // A person supplied the first one.
    const { secret } = amazon.newest;
    const safe = store.text.includes(secret) || queue.messages.some((message) => message.secret === secret);
    this.#look(5, safe, 'the newest secret is lost');
  }

  /** Whatever the component says. */
  silence(text) {
    const { invented } = this.world;
    this.#look(9, ![...invented.keys()].some((value) => text.includes(value)), 'a secret is shown');
  }

  /** A problem in a status or an event. */
  problem({ happened, stillWorks, remedy }) {
    this.#look(11, [happened, stillWorks, remedy].every(Boolean), 'a problem without a remedy');
  }

  /** A call was run again with the same answers. */
  repeated(same) {
    this.#look(10, same, 'the same answers led to another run');
  }

  /** A sentence on what was looked at. */
  get summary() {
    const looks = [...this.looks.values()].reduce((sum, count) => sum + count, 0);
    return { looks, broken: this.broken.length };
  }
}
