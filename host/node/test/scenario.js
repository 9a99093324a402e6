// Runs one scenario of tests/scenarios (its README.md has the format) on a Rotator of this package.
import assert from 'node:assert/strict';
import { camel } from '../package/src/kinds.js';
import { Failure, RotationError, Rotator } from '../package/src/index.js';
import { EXPORTS, IMPORTS, members, misfit, read, record, written } from './written.js';

/** The store of a scenario: a compare-and-swap map whose revisions are "1", "2", … */
class Store {
  constructor(records = {}) {
    this.records = new Map(Object.entries(records).map(([id, document]) => [id, { revision: '1', document }]));
  }

  put(clientId, document) {
    const revision = `${Number(this.records.get(clientId)?.revision ?? 0) + 1}`;
    this.records.set(clientId, { revision, document });
    return revision;
  }

  /** Answers its three functions, as a scenario writes it; any other with nothing. */
  answer(name, { 'client-id': clientId, document, expected }) {
    const stored = this.records.get(clientId);
    if (name === 'store.load') return { ok: stored ?? null };
    if (name !== 'store.save' && name !== 'store.remove') return { ok: null };
    if (stored?.revision !== expected) return { err: 'conflict' };
    return { ok: name === 'store.save' ? this.put(clientId, document) : (this.records.delete(clientId), null) };
  }

  get documents() {
    return Object.fromEntries([...this.records].map(([id, { document }]) => [id, document]));
  }
}

/** A Rotator whose every effect is answered by `effect(name, arguments)`: both as a scenario writes them, or a promise of it. */
function rotator(scenario, clock, effect, emit = () => {}) {
  const served = {};
  for (const [name, { params, result }] of IMPORTS) {
    const [face, function_] = name.split('.');
    served[face] ??= {};
    served[face][camel(function_)] = async (...values) => {
      const given = written(Object.fromEntries(params.map(([param], i) => [camel(param), values[i]])));
      const answer = await effect(name, given.request ?? given);
      if (!result.result) return read(result, answer);
      const { tag, val } = read(result, answer);
      if (tag === 'err') throw new Failure(val.tag, val.val);
      return val;
    };
  }
  return new Rotator({
    ...served,
    applications: scenario.applications.map((one) => read('settings.application', one)),
    observe: { emit: (event) => emit(written(event)) },
    now: () => clock.now,
    random: () => BigInt(scenario.random),
  });
}

/** Calls an export; its result as a scenario writes it. */
async function call(rotator, { call: name, with: given }) {
  const { params, result } = EXPORTS.get(name) ?? assert.fail(`there is no export '${name}'`);
  const args = Object.values(record(params, given));
  try {
    const value = written(await rotator[camel(name)](...args));
    return result.result ? { ok: value ?? null } : value;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { err: written({ tag: error.tag, val: error.val }) };
  }
}

/** Runs a scenario, and fails where something does not fit. */
export async function run(scenario) {
  members(scenario, ['what', 'rules', 'applications', 'random', 'steps'], ['whole', 'inspection', 'records', 'records-after', 'world', 'ends']);
  assert.ok(scenario.rules.length > 0);
  await (scenario.world ? runStopped(scenario) : runSteps(scenario));
}

const NEEDS_ANSWER = ['http.send', 'queue.receive', 'publish.read'];

/** Each import is answered as the step says. */
async function runSteps(scenario) {
  const store = new Store(scenario.records);
  const clock = {};
  for (const [number, step] of scenario.steps.entries()) {
    members(step, ['at', 'call', 'with', 'imports', 'returns'], ['what']);
    clock.now = step.at;
    const left = [...step.imports];
    const wrong = [];
    const next = (name, given) => {
      const item = left.shift() ?? {};
      if (name in item) wrong.push(misfit(item[name], given, scenario.whole) && `${name}${misfit(item[name], given, scenario.whole)}`);
      else wrong.push(`${name} was called with ${JSON.stringify(given)}, expected is ${JSON.stringify(item)}`);
      const unknown = Object.keys(item).filter((member) => ![name, 'answer', 'takes', 'meanwhile', 'kept'].includes(member));
      if (unknown.length > 0) wrong.push(`unknown members ${unknown}`);
      return item;
    };
    const effect = (name, given) => {
      const { answer, takes = 0, meanwhile, kept } = next(name, given);
      if (meanwhile) store.put(meanwhile['client-id'], meanwhile.document);
      clock.now += takes;
      const stored = !answer || kept ? store.answer(name, given) : undefined;
      if (!answer && NEEDS_ANSWER.includes(name)) wrong.push(`${name} has no answer: ${JSON.stringify(given)}`);
      return answer ?? (name === 'queue.inspect' ? scenario.inspection : stored);
    };
    const returns = await call(rotator(scenario, clock, effect, (event) => next('observe.emit', event)), step);
    const why = misfit(step.returns, returns, scenario.whole);
    const [first] = [...wrong, left.length > 0 && `not called: ${JSON.stringify(left)}`, why && `result${why}`].filter(Boolean);
    if (first) assert.fail(`step ${number + 1}: ${first}`);
  }
  if (scenario['records-after']) assert.deepEqual(store.documents, scenario['records-after'], 'records');
}

/** A world that answers by what it is asked, and a host that is stopped after each of its effects and started anew. */
async function runStopped(scenario) {
  let stop = 0;
  for (let effects = 0; stop <= effects; stop += 1) {
    const world = new World(scenario);
    for (const step of scenario.steps) {
      members(step, ['at', 'call', 'with'], ['what']);
      world.now = step.at;
      await world.call(step, stop);
    }
    if (stop === 0) effects = world.effects;
    const end = await world.end();
    world.leave();
    const [{ 'stopped-after': _, ...expected } = {}, ...more] = scenario.ends.filter((one) => one['stopped-after'].includes(stop));
    if (!_ || more.length > 0) assert.fail(`${stop} is not in exactly one end`);
    const why = misfit(expected, end, scenario.whole);
    if (why) assert.fail(`stopped after ${stop}: ${why}`);
  }
  const most = Math.max(...scenario.ends.flatMap((one) => one['stopped-after']));
  assert.equal(most, stop - 1, 'ends of more stops than there are effects');
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
    this.#messages = (scenario.world.messages ?? []).map((message) => ({ ...message, received: 0, visibleAt: 0 }));
  }

  /** Carries out a step; when it is stopped after an effect, it is called once more, in a new host. */
  async call(step, stop) {
    let stopped;
    const cut = new Promise((resolve) => { stopped = resolve; });
    const effect = (name, given) => {
      const answer = this.#answer(name, given);
      this.effects += 1;
      if (this.effects !== stop) return answer;
      stopped();
      // The answer reaches the component when all is over.
      return new Promise((resolve, reject) => { this.#cut.push(reject); });
    };
    const called = call(rotator(this.scenario, this, effect), step).then((value) => ({ value }));
    return (await Promise.race([called, cut]))?.value ?? this.call(step);
  }

  #answer(name, given) {
    const until = this.now + (given.visibility ?? 0) * 1000;
    const isOf = ({ id }) => given['receipt-handle'].startsWith(`${id}#`);
    switch (name) {
      case 'http.send': return this.#send(given);
      case 'publish.put': {
        const { 'expires-at': _, ...held } = given.credential;
        this.#targets[given.target] = held;
        return { ok: null };
      }
      case 'publish.read': return { ok: given.target in this.#targets ? { credential: this.#targets[given.target] } : 'none' };
      case 'queue.inspect': return this.scenario.inspection;
      case 'queue.receive': return { ok: this.#receive(given.max, until) };
      case 'queue.delete': this.#messages = this.#messages.filter((message) => !isOf(message)); return { ok: null };
      case 'queue.hide': for (const message of this.#messages.filter(isOf)) message.visibleAt = until; return { ok: null };
      default: return this.store.answer(name, given);
    }
  }

  #send(request) {
    const asked = `${request.method} ${request.url}`;
    const sent = [request.body, ...request.headers.map(([, value]) => value)];
    if (asked.endsWith('/applications/2023-11-30/clientSecret')) this.#rotateCalls += 1;
    const fitting = this.scenario.world.http.find((one) => one.request === asked && sent.some((text) => text.includes(one.holds)));
    if (!fitting) return { err: { other: 'the world of the scenario has no answer' } };
    if (fitting.brings) this.#messages.push({ ...fitting.brings, received: 0, visibleAt: 0 });
    return fitting.answer;
  }

  #receive(max, until) {
    return this.#messages.filter(({ visibleAt }) => visibleAt <= this.now).slice(0, max).map((message) => {
      message.visibleAt = until;
      message.received += 1;
      const { id, body, received } = message;
      return { id, body, 'receive-count': received, 'receipt-handle': `${id}#${received}` };
    });
  }

  /** Lets the stopped hosts go; nothing that they do now counts. */
  leave() {
    for (const reject of this.#cut) reject(new Failure('unavailable', 'the host was stopped'));
  }

  async end() {
    const status = {};
    for (const { 'client-id': id } of this.scenario.applications) status[id] = await this.call({ call: 'status', with: { 'client-id': id } });
    return {
      'rotate-calls': this.#rotateCalls,
      targets: Object.fromEntries(Object.entries(this.#targets).map(([name, held]) => [name, held['client-secret']])),
      messages: this.#messages.map(({ id }) => id),
      status,
    };
  }
}
