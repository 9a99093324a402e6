// Runs one scenario of tests/scenarios (its README.md has the format) on a Rotator of this package.
import assert from 'node:assert/strict';
import { Failure, RotationError, Rotator } from '../package/src/index.js';

const EFFECTS = {
  'http.send': ['request'],
  'queue.receive': ['queue', 'max', 'wait', 'visibility'],
  'queue.delete': ['queue', 'receipt-handle'],
  'queue.hide': ['queue', 'receipt-handle', 'visibility'],
  'store.load': ['client-id'],
  'store.save': ['client-id', 'document', 'expected'],
  'publish.put': ['target', 'credential'],
};
const EXPORTS = {
  enroll: ['client-id', 'secret', 'expires-at'],
  advance: ['client-id'],
  deliver: ['message'],
  drain: ['queue', 'max', 'wait'],
  request: ['client-id'],
  resume: ['client-id', 'decision'],
  status: ['client-id'],
  prove: ['client-id'],
  reveal: ['client-id', 'stage'],
};
/** Members that hold bytes in the contract: text in a scenario, or `{"hex": …}` where they are not UTF-8. */
const BYTES = new Set(['secret', 'client-secret', 'body', 'document']);

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());

/** A value of the component's as a scenario writes it. */
export function written(value) {
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString();
    return Buffer.from(text).equals(Buffer.from(value)) ? text : { hex: Buffer.from(value).toString('hex') };
  }
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== 'object') return value;
  if ('tag' in value) return value.val === undefined ? value.tag : { [value.tag]: written(value.val) };
  if ('name' in value && 'value' in value) return [value.name, written(value.value)];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [kebab(name), written(member)]));
}

/** A scenario's value as the component takes it. `name` is the member that holds it. */
function read(value, name) {
  if (BYTES.has(name)) return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.hex, 'hex');
  if (name === 'expires-at' || name === 'sent-at') return BigInt(value);
  if (name === 'headers') return value.map(([name, text]) => ({ name, value: Buffer.from(text) }));
  if (Array.isArray(value)) return value.map((element) => read(element));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camel(name), read(member, name)]));
}

function failure(error) {
  return typeof error === 'string' ? new Failure(error) : new Failure(...Object.entries(error)[0]);
}

/** Checks that an object has these members and no others. */
function members(object, needed, optional = []) {
  for (const name of needed) assert.ok(name in object, `the member '${name}' is missing`);
  const unknown = Object.keys(object).filter((name) => !needed.includes(name) && !optional.includes(name));
  assert.deepEqual(unknown, [], 'unknown members');
}

/** The store of a scenario: a compare-and-swap map whose revisions are "1", "2", … */
class Store {
  constructor(records = {}) {
    this.records = new Map(Object.entries(records).map(([id, document]) => [id, { revision: '1', document }]));
  }

  load(clientId) {
    const kept = this.records.get(clientId);
    return kept && { revision: kept.revision, document: Buffer.from(kept.document) };
  }

  save(clientId, document, expected) {
    const stored = this.records.get(clientId)?.revision;
    if (stored !== expected) throw new Failure('conflict');
    const revision = `${Number(stored ?? 0) + 1}`;
    this.records.set(clientId, { revision, document });
    return revision;
  }

  /** Answers one of its two functions; nothing for another. */
  answer(name, [clientId, document, expected]) {
    if (name === 'store.load') return this.load(clientId);
    if (name === 'store.save') return this.save(clientId, Buffer.from(document).toString(), expected);
    return undefined;
  }

  get documents() {
    return Object.fromEntries([...this.records].map(([id, { document }]) => [id, document]));
  }
}

/** A Rotator whose every effect is answered by `effect(name, values, values as written)`. */
function rotator(scenario, clock, effect, emit = () => {}) {
  const served = {};
  for (const [name, parameters] of Object.entries(EFFECTS)) {
    const [import_, function_] = name.split('.');
    served[import_] ??= {};
    served[import_][function_] = (...values) => {
      // `undefined` stands for none.
      const named = Object.fromEntries(parameters.map((parameter, i) => [parameter, values[i]]).filter(([, value]) => value !== undefined));
      const shown = written(named);
      return effect(name, values, shown.request ?? shown);
    };
  }
  return new Rotator({
    ...served,
    applications: read(scenario.applications),
    observe: { emit: (event) => emit(written(event)) },
    now: () => clock.now,
    random: () => BigInt(scenario.random),
  });
}

/** Calls an export; its result as a scenario writes it. */
async function call(rotator, step) {
  const parameters = EXPORTS[step.call];
  assert.ok(parameters, `there is no export '${step.call}'`);
  members(step.with, parameters.filter((name) => name !== 'expires-at'), ['expires-at']);
  const values = parameters.map((name) => (name in step.with ? read(step.with[name], name) : undefined));
  try {
    const value = written(await rotator[step.call](...values));
    return step.call === 'deliver' ? value : { ok: value ?? null };
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { err: written({ tag: error.tag, val: error.val }) };
  }
}

/** A scenario run and answered with what came of it in place of what was expected: the two are to be equal. */
export function run(scenario) {
  members(scenario, ['what', 'rules', 'applications', 'random', 'steps'], ['records', 'records-after', 'world', 'ends']);
  return scenario.world ? runStopped(scenario) : runSteps(scenario);
}

/** Each import is answered as the step says. */
async function runSteps(scenario) {
  const store = new Store(scenario.records);
  const clock = {};
  const steps = [];
  for (const step of scenario.steps) {
    const place = `step ${steps.length + 1}`;
    members(step, ['at', 'call', 'with', 'imports', 'returns'], ['what']);
    clock.now = step.at;
    const script = step.imports.filter((item) => 'answer' in item || 'takes' in item || 'meanwhile' in item);
    const imports = [];
    const broken = [];
    const effect = (name, values, shown) => {
      const item = { [name]: shown };
      imports.push(item);
      if (script[0] && name in script[0]) {
        const { [name]: _, ...more } = script.shift();
        members(more, [], ['answer', 'takes', 'meanwhile', 'kept']);
        Object.assign(item, more);
      }
      if (item.meanwhile) {
        const { 'client-id': clientId, document } = item.meanwhile;
        store.save(clientId, document, store.load(clientId)?.revision);
      }
      clock.now += item.takes ?? 0;
      const stored = item.answer && !item.kept ? undefined : store.answer(name, values);
      if (!item.answer) {
        if (name === 'http.send' || name === 'queue.receive') broken.push(`nothing answers ${JSON.stringify(item)}`);
        return stored;
      }
      if ('err' in item.answer) throw failure(item.answer.err);
      return read(item.answer.ok);
    };
    const returns = await call(rotator(scenario, clock, effect, (event) => imports.push({ 'observe.emit': event })), step);
    assert.deepEqual(broken, [], place);
    assert.deepEqual(script, [], `${place}: answers that nothing asked for`);
    steps.push({ ...step, imports, returns });
  }
  return { ...scenario, steps, 'records-after': store.documents };
}

/** A world that answers by what it is asked, and a host that is stopped after each of its effects and started anew. */
async function runStopped(scenario) {
  const ends = [];
  for (let stop = 0, effects = 1; stop <= effects; stop += 1) {
    const world = new World(scenario);
    for (const step of scenario.steps) {
      members(step, ['at', 'call', 'with'], ['what']);
      world.now = step.at;
      await world.call(step, stop);
    }
    if (stop === 0) effects = world.effects;
    const end = world.end;
    world.leave();
    const same = ends.find(({ 'stopped-after': _, ...known }) => JSON.stringify(known) === JSON.stringify(end));
    if (same) same['stopped-after'].push(stop);
    else ends.push({ 'stopped-after': [stop], ...end });
  }
  return { ...scenario, ends };
}

class World {
  effects = 0;
  #rotateCalls = 0;
  #targets = {};
  #cut = [];
  #messages;

  constructor(scenario) {
    members(scenario.world, ['http'], ['messages']);
    this.scenario = scenario;
    this.store = new Store(scenario.records);
    this.#messages = (scenario.world.messages ?? []).map((message) => this.#message(message));
  }

  #message({ id, body }) {
    return { id, body: Buffer.from(body), receiveCount: 0, visibleAt: 0 };
  }

  /** Carries out a step; when it is stopped after an effect, it is called once more, in a new host. */
  async call(step, stop) {
    let stopped;
    const cut = new Promise((resolve) => { stopped = resolve; });
    const effect = (name, values, shown) => {
      try {
        return this.#answer(name, values, shown);
      } finally {
        this.effects += 1;
        if (this.effects === stop) {
          stopped();
          // The answer reaches the component when all is over.
          return new Promise((resolve, reject) => { this.#cut.push(reject); });
        }
      }
    };
    const called = call(rotator(this.scenario, this, effect), step);
    const ended = await Promise.race([called.then(() => true), cut]);
    if (!ended) await this.call(step, undefined);
  }

  #answer(name, values, shown) {
    switch (name) {
      case 'http.send': return this.#send(shown);
      case 'publish.put': this.#targets[values[0]] = shown.credential['client-secret']; return undefined;
      case 'queue.receive': return this.#receive(...values);
      case 'queue.delete': this.#messages = this.#messages.filter((message) => !this.#isOf(message, values[1])); return undefined;
      case 'queue.hide': return this.#hide(...values);
      default: return this.store.answer(name, values);
    }
  }

  #send(request) {
    const asked = `${request.method} ${request.url}`;
    const sent = JSON.stringify([request.headers, request.body]);
    if (asked.endsWith('/clientSecret')) this.#rotateCalls += 1;
    const fitting = this.scenario.world.http.find((one) => one.request === asked && sent.includes(one.holds));
    if (!fitting) throw new Failure('other', 'the world of the scenario has no answer');
    if (fitting.brings) this.#messages.push(this.#message(fitting.brings));
    if ('err' in fitting.answer) throw failure(fitting.answer.err);
    return read(fitting.answer.ok);
  }

  #isOf({ id }, receiptHandle) {
    return receiptHandle.startsWith(`${id}#`);
  }

  #hide(queue, receiptHandle, visibility) {
    for (const message of this.#messages.filter((message) => this.#isOf(message, receiptHandle))) {
      message.visibleAt = this.now + visibility * 1000;
    }
  }

  #receive(queue, max, wait, visibility) {
    return this.#messages.filter(({ visibleAt }) => visibleAt <= this.now).slice(0, max).map((message) => {
      message.visibleAt = this.now + visibility * 1000;
      message.receiveCount += 1;
      const { id, body, receiveCount } = message;
      return { id, body, receiveCount, receiptHandle: `${id}#${receiveCount}` };
    });
  }

  /** Lets the stopped hosts go; nothing that they do now counts. */
  leave() {
    for (const reject of this.#cut) reject(new Failure('unavailable', 'the host was stopped'));
  }

  get end() {
    return {
      'rotate-calls': this.#rotateCalls,
      targets: { ...this.#targets },
      messages: this.#messages.map(({ id }) => id),
      'records-after': this.store.documents,
    };
  }
}
