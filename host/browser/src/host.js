// A host: serves the component's imports from the world. Each effect passes a gate first, where it can be watched, held, or never
// come to an end, which is what dying is.

import { CLIENT_ID, SETTINGS } from './world/names.js';
import { failure } from './world/queue.js';
import { spell } from './text.js';

/** How long an effect takes, by the world's clock. */
const LATENCY = { http: 180, queue: 30, store: 4, publish: 40 };
const never = () => new Promise(() => {});

export class Host {
  /** The number of the rotate call whose intent this host saved last. */
  #intent;
  /** The call under way. */
  #run;

  /**
   * @param {string} name what the page calls it
   * @param stage `{ world, component, judge, gate(effect), hosts() }`
   */
  constructor(name, stage) {
    Object.assign(this, stage, { name, alive: true });
  }

  /**
   * Makes one call on an instance of its own.
   * @returns `{ ok }` or `{ err }`, or `{ died: true }` if the host was killed in it
   */
  async call(name, ...args) {
    const run = { tape: [], dieAfter: false };
    const died = new Promise((resolve) => (run.die = () => resolve({ died: true })));
    this.#run = run;
    this.world.tell({ type: 'call', host: this.name, name });
    const rotation = this.component.instantiate(this.#imports(run));
    const result = await Promise.race([outcome(rotation[name](...args)), died]);
    if (!result.died) {
      this.judge.silence(spell(result));
      for (const status of statuses(result)) if (status.problem) this.judge.problem(status.problem);
      this.judge.repeated(await repeat(this.component, run.tape, name, args, result));
      this.world.tell({ type: 'return', host: this.name, name, result });
    }
    return result;
  }

  /** Kills it: before the effect that it waits for, or after it, with the answer never seen. */
  kill(after) {
    if (after) this.#run.dieAfter = true;
    else this.#die(this.#run);
  }

  #die(run) {
    run.dead = true;
    this.alive = false;
    this.world.tell({ type: 'killed', host: this.name, after: run.dieAfter });
    this.judge.always();
    run.die();
  }

  /** An import with an effect, which can be held. */
  #effect(run, name, body, check = () => {}) {
    const [face] = name.split('.');
    return async (...args) => {
      const effect = { type: 'effect', host: this, name, args };
      this.world.tell(effect);
      await this.gate(effect);
      if (run.dead) return never();
      this.world.now += LATENCY[face];
      check(...args);
      let answer;
      let error;
      try {
        answer = body(...args);
      } catch (thrown) {
        if (!thrown.payload) throw thrown;
        error = thrown;
      }
      this.judge.always();
      this.world.tell({ type: 'answer', effect, answer, error: error?.payload });
      if (run.dieAfter) {
        this.#die(run);
        return never();
      }
      run.tape.push({ name, args: spell(args), answer, error });
      if (error) throw error;
      return answer;
    };
  }

  /** An import that only looks, and is never held. */
  #glance(run, name, body) {
    return (...args) => {
      const answer = body(...args);
      this.world.tell({ type: 'glance', host: this.name, name, args, answer });
      run.tape.push({ name, args: spell(args), answer });
      return answer;
    };
  }

  #imports(run) {
    const { world, judge } = this;
    const { amazon, queue, random, store, targets } = world;
    return wire({
      effect: (name, body, check) => this.#effect(run, name, body, check),
      glance: (name, body) => this.#glance(run, name, body),
    }, {
      send: (request) => {
        const answer = amazon.serve(request);
        if (rotates(request) && answer.status === 204 && world.faults.take('answer-lost')) {
          throw failure('outcome-unknown', 'the connection broke while waiting for the answer');
        }
        return answer;
      },
      checkSend: (request) => rotates(request) && judge.rotateCall(this.#intent, this.hosts()),
      receive: (_, max, wait, visibility) => queue.receive(max, wait, visibility),
      delete: (_, receipt) => queue.delete(receipt),
      checkDelete: (_, receipt) => judge.delete(queue.find(receipt)),
      hide: (_, receipt, visibility) => queue.hide(receipt, visibility),
      load: () => store.load(),
      save: (_, document, expected) => {
        const next = JSON.parse(new TextDecoder().decode(document));
        const revision = store.save(document, expected, () => judge.save(next));
        if (next.state?.requesting?.stage?.calling !== undefined) this.#intent = next.call.number;
        return revision;
      },
      put: (target, credential) => targets.put(target, credential),
      checkPut: (_, { clientSecret }) => judge.publish(new TextDecoder().decode(clientSecret)),
      emit: (event) => {
        judge.silence(spell(event));
        const { tag, val } = event.what;
        if (val?.remedy !== undefined) judge.problem(val);
        if (tag === 'left') judge.left(val.id);
        if (tag === 'message-old') judge.messageOld();
        world.tell({ type: 'event', host: this.name, event });
      },
      find: (clientId) => (clientId === CLIENT_ID ? SETTINGS : undefined),
      now: () => {
        world.now += 1; // Time passes while a host works.
        return { seconds: BigInt(Math.floor(world.now / 1000)), nanoseconds: (world.now % 1000) * 1_000_000 };
      },
      random: () => random.next(),
    });
  }
}

/** The contract's imports, each made by `effect` or `glance`. */
function wire({ effect, glance }, serve) {
  return {
    'lwa:rotation/settings': { find: glance('settings.find', serve.find) },
    'lwa:rotation/http': { send: effect('http.send', serve.send, serve.checkSend) },
    'lwa:rotation/queue': {
      receive: effect('queue.receive', serve.receive),
      delete: effect('queue.delete', serve.delete, serve.checkDelete),
      hide: effect('queue.hide', serve.hide),
    },
    'lwa:rotation/store': { load: effect('store.load', serve.load), save: effect('store.save', serve.save) },
    'lwa:rotation/publish': { put: effect('publish.put', serve.put, serve.checkPut) },
    'lwa:rotation/observe': { emit: glance('observe.emit', serve.emit) },
    'wasi:clocks/wall-clock': { now: glance('wall-clock.now', serve.now) },
    'wasi:random/random': { getRandomU64: glance('random.get-random-u64', serve.random) },
  };
}

/** Rule 10: makes the call once more, with the answers of the tape, and compares what it asked and what it returned. */
async function repeat(component, tape, name, args, result) {
  let place = 0;
  const play = (effect) => (asked) => (...given) => {
    const noted = tape[place++];
    if (noted?.name !== asked || noted.args !== spell(given)) throw new Error('another run');
    if (noted.error) throw noted.error;
    return effect ? Promise.resolve(noted.answer) : noted.answer;
  };
  const rotation = component.instantiate(wire({ effect: play(true), glance: play(false) }, {}));
  const again = await outcome(rotation[name](...args));
  return place === tape.length && spell(again) === spell(result);
}

const rotates = ({ method, url }) => method === 'post' && url.endsWith('/clientSecret');

async function outcome(call) {
  try {
    return { ok: await call };
  } catch (thrown) {
    if (!thrown.payload) throw thrown;
    return { err: thrown.payload };
  }
}

function statuses({ ok }) {
  if (Array.isArray(ok)) return ok.map((delivery) => delivery.status).filter(Boolean);
  return ok?.state ? [ok] : [];
}

