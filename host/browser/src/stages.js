// The one sentence, as far as the present rotation has come: read off the component's own events.

import { TARGETS } from './world/names.js';

export const STAGES = [
  ['credential', 'client id and client secret'],
  ['token', 'an LWA access token'],
  ['rotate', 'asked for, once'],
  ['notification', 'the new secret, by SQS'],
  ['keep', 'saved before anything else'],
  ['verify', 'SP-API accepts it'],
  ['publish', 'applications read it'],
  ['acknowledge', 'message deleted, last'],
];

const NAMES = STAGES.map(([name]) => name);

/** What has become of each stage: todo, active, done, trouble, or elsewhere (it was done elsewhere). */
export class Stages {
  #published = new Set();

  constructor() {
    this.rest();
  }

  /** Nothing is under way. */
  rest() {
    this.of = Object.fromEntries(NAMES.map((name) => [name, 'todo']));
    this.of.credential = 'done';
    this.#published.clear();
  }

  #reach(name, state = 'active') {
    const place = NAMES.indexOf(name);
    for (const before of NAMES.slice(0, place)) if (this.of[before] === 'active' || this.of[before] === 'trouble') this.of[before] = 'done';
    this.of[name] = state;
  }

  #elsewhere() {
    for (const name of ['token', 'rotate']) if (this.of[name] === 'todo') this.of[name] = 'elsewhere';
  }

  /** Takes in one event of the component. */
  take({ tag, val }) {
    const verifying = this.of.keep === 'done' && this.of.verify !== 'done';
    switch (tag) {
      case 'rotation-wanted': this.rest(); this.#reach('token'); break;
      case 'asking-for-token': if (val === 'rotation') this.#reach('token'); break;
      case 'token-issued': if (val === 'rotation') this.#reach('rotate'); break;
      case 'calling-rotate': this.#reach('rotate'); break;
      case 'rotate-accepted': this.#reach('notification'); break;
      case 'rotate-outcome-unknown': this.#reach('rotate', 'trouble'); break;
      case 'rotate-refused': this.of[this.of.rotate === 'active' ? 'rotate' : 'token'] = 'trouble'; break;
      case 'secret-kept':
        if (this.of.acknowledge === 'done') this.rest();
        this.#elsewhere();
        this.#reach('keep', 'done');
        this.of.notification = 'done';
        this.of.verify = 'active';
        break;
      case 'verifying': if (verifying) this.of.verify = 'active'; break;
      case 'not-verified': if (verifying) this.of.verify = 'trouble'; break;
      case 'promoted': this.of.verify = 'done'; this.of.publish = 'active'; this.#published.clear(); break;
      case 'published':
        this.#published.add(val);
        if (this.#published.size === TARGETS.length && this.of.verify === 'done') {
          this.of.publish = 'done';
          if (this.of.acknowledge !== 'done') this.of.acknowledge = 'active';
        }
        break;
      case 'not-published': if (this.of.verify === 'done') this.of.publish = 'trouble'; break;
      case 'acknowledged': if (this.of.publish === 'done') this.of.acknowledge = 'done'; break;
      case 'stalled': for (const name of ['notification', 'verify']) if (this.of[name] === 'active') this.of[name] = 'trouble'; break;
    }
  }
}
