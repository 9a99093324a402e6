// What a visitor does: rotate, step, run, kill, wait. The hosts are driven as `wit/rotation.wit` says: `advance` when there is
// something to do, `drain` for the queue, and nothing remembered in between.

import { Host } from './host.js';
import { stateOf } from './record.js';
import { Judge } from './rules.js';
import { CLIENT_ID, QUEUE } from './world/names.js';
import { World } from './world/world.js';

/** Rounds of `advance` and `drain` after which something is wrong with the page. */
const MOST_ROUNDS = 200;

export class Driver {
  /** Whether effects are held until the visitor lets them go. */
  holding = false;
  /** Real milliseconds for which an effect is shown before it takes place. */
  pace = 0;
  /** Whether a run is under way. */
  busy = false;
  /** Why the last one ended: settled, waiting, stalled, killed; nothing before the first. */
  ended;
  /** The application's status, as the component gives it. */
  status;
  #hosts = [];
  #held = [];
  #made = 0;
  /** How the next host that wants an effect dies. */
  #doom;

  constructor(component, seed) {
    this.component = component;
    this.world = new World(seed);
    this.judge = new Judge(this.world);
  }

  /** Supplies the first secret, has it verified and published. */
  async enroll() {
    const { secret, endsAt } = this.world.amazon.newest;
    const host = this.#host();
    await host.call('enroll', CLIENT_ID, new TextEncoder().encode(secret), BigInt(endsAt), false);
    await host.call('advance', CLIENT_ID);
    await this.look();
  }

  /** Asks the component for the application's status, beside everything else. */
  async look() {
    const quiet = { ...this.#stage(), gate: async () => {}, world: Object.create(this.world, { tell: { value: () => {} } }) };
    this.status = (await new Host('page', quiet).call('status', CLIENT_ID)).ok;
    return this.status;
  }

  /** The effects that wait for the visitor, the longest first. */
  get held() {
    return this.#held.map(({ effect }) => effect);
  }

  /**
   * Runs until nothing is left to do now.
   * @param request whether the operator wants a rotation
   * @param jump whether the clock moves on to whatever is next, until the application is settled
   * @param hosts how many work at the same time
   * @param decide what the operator says to a stalled rotation
   */
  async run({ request = false, jump = true, hosts = 1, decide } = {}) {
    if (this.busy) return this.ended;
    Object.assign(this, { busy: true, ended: undefined });
    this.#hosts = Array.from({ length: hosts }, () => this.#host());
    this.world.tell({ type: 'run', hosts });
    try {
      if (decide) await this.#hosts[0].call('resume', CLIENT_ID, decide);
      if (request) await this.#hosts[0].call('request', CLIENT_ID, true);
      this.ended = await this.#rounds(jump);
    } finally {
      this.busy = false;
      this.#doom = undefined;
    }
    await this.look();
    this.world.tell({ type: 'ended', how: this.ended });
    return this.ended;
  }

  async #rounds(jump) {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      await this.#all('advance', CLIENT_ID);
      await this.#all('drain', QUEUE, 10, this.#expecting() ? 20 : 1);
      if (!this.#hosts.some((host) => host.alive)) return 'killed';
      const { queue, now } = this.world;
      const { state, next, problem } = await this.look();
      if (state === 'stalled') return 'stalled';
      const quiet = state === 'settled' && !problem;
      if (quiet && queue.ours.length === 0) return 'settled';
      const instants = queue.ours.map((message) => message.visibleAt);
      if (next && !quiet) instants.push(Number(next.at));
      const first = Math.min(...instants);
      if (first > now && !jump) return 'waiting';
      if (Number.isFinite(first)) this.world.moveTo(first);
    }
    throw new Error('the run does not come to an end');
  }

  #expecting() {
    return ['awaiting', 'verifying'].includes(stateOf(this.world.store.record).state);
  }

  async #all(name, ...args) {
    const alive = this.#hosts.filter((host) => host.alive);
    await Promise.all(alive.map((host) => host.call(name, ...args)));
  }

  /** Holds every effect from now on, until `step` lets one go. */
  hold() {
    this.holding = true;
  }

  /** Lets one effect take place. */
  step() {
    this.#held.shift()?.go();
  }

  /** Holds nothing any more. */
  go() {
    this.holding = false;
    while (this.#held.length > 0) this.step();
  }

  /** Ends it all: no event is passed on any more, and what is under way stays where it is. */
  stop() {
    this.hold();
    this.world.deafen();
  }

  /** Kills the host that waits longest, before its effect takes place or after that. */
  kill(after) {
    const held = this.#held.shift();
    if (!held) {
      this.#doom = { after };
      return;
    }
    held.effect.host.kill(after);
    held.go();
  }

  /** What has been so far was before the visitor came. */
  begin() {
    this.ended = undefined;
    this.#made = 0;
  }

  /** The next instant at which something happens by itself, and what. */
  get next() {
    const { queue, now } = this.world;
    const instants = queue.ours.filter((one) => one.visibleAt > now).map((one) => ({ at: one.visibleAt, kind: 'message' }));
    if (this.status?.next) instants.push({ at: Number(this.status.next.at), kind: this.status.next.kind });
    return instants.sort((one, other) => one.at - other.at)[0];
  }

  #host() {
    const name = String.fromCharCode(65 + (this.#made % 26));
    this.#made += 1;
    return new Host(name, this.#stage());
  }

  #stage() {
    return {
      world: this.world,
      component: this.component,
      judge: this.judge,
      hosts: () => this.#hosts.length,
      gate: (effect) => this.#gate(effect),
    };
  }

  async #gate(effect) {
    if (this.#doom) {
      effect.host.kill(this.#doom.after);
      this.#doom = undefined;
      return;
    }
    await new Promise((go) => {
      const held = { effect, go };
      this.#held.push(held);
      this.world.tell({ type: 'held', effect });
      if (this.holding) return;
      const release = () => {
        const place = this.#held.indexOf(held);
        if (place < 0 || this.holding) return;
        this.#held.splice(place, 1);
        go();
      };
      if (this.pace > 0) setTimeout(release, this.pace);
      else queueMicrotask(release);
    });
  }
}
