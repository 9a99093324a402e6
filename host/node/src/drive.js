// Drives applications as `wit/rotation.wit` says, for programs that have no loop of their own.
import { setTimeout } from 'node:timers/promises';

/** Seconds that one receive waits for a message at most. */
const LONGEST_WAIT = 20;

/** Whether something can happen until then without a person: a message may come, or a deadline. */
function goesOn({ state, problem, next }, until) {
  if (state === 'settled' || state === 'stalled' || problem?.remedyBy === 'person') return false;
  return state === 'awaiting' || (next !== undefined && Number(next.at) <= until);
}

/** Receives until the queue is empty, or time is up; answers whether a message came. */
async function drained(rotator, queue, wait, until) {
  let { deliveries, more } = await rotator.drain(queue, 10, wait);
  const came = deliveries.length > 0;
  while (more && rotator.now() < until) ({ more } = await rotator.drain(queue, 10, 1));
  return came;
}

/**
 * Drains the queues and advances the applications until nothing goes on any more, or time is up. What fails is noted, and the others go on.
 * @returns `statuses` by client id, and `failures` by client id or queue; of each the last
 */
async function driven(rotator, clientIds, timeout) {
  const until = rotator.now() + timeout * 1000;
  const queues = new Set(rotator.applications.filter(({ clientId }) => clientIds.includes(clientId)).map(({ queue }) => queue));
  const statuses = new Map();
  const failures = new Map();
  const noted = (name, promise) => promise.then((value) => { failures.delete(name); return value; }, (error) => { failures.set(name, error); });
  let going = clientIds;
  for (let wait = 1; going.length > 0;) {
    const began = performance.now();
    const came = await Promise.all([...queues].map((queue) => noted(queue, drained(rotator, queue, wait, until))));
    // A queue that cannot be read, or does not wait, is not asked without a pause.
    if (statuses.size > 0 && !came.includes(true)) await setTimeout(Math.max(0, 1000 - (performance.now() - began)));
    for (const clientId of going) {
      const status = await noted(clientId, rotator.advance(clientId));
      if (status) statuses.set(clientId, status);
    }
    const now = rotator.now();
    going = now < until ? going.filter((clientId) => !failures.has(clientId) && goesOn(statuses.get(clientId), until)) : [];
    const next = Math.min(until, ...going.map((clientId) => Number(statuses.get(clientId).next?.at ?? until)));
    wait = Math.min(Math.max(Math.ceil((next - now) / 1000), 1), LONGEST_WAIT);
  }
  return { statuses, failures };
}

/** Takes one application as far as it goes within `timeout` seconds: until it is settled, a person is needed, or nothing more can happen in that time. */
export async function runUntilSettled(rotator, clientId, { timeout = 600 } = {}) {
  const { statuses, failures } = await driven(rotator, [clientId], timeout);
  const status = statuses.get(clientId);
  if (failures.has(clientId) || (status.state !== 'settled' && failures.size > 0)) throw failures.get(clientId) ?? [...failures.values()][0];
  return status;
}

/** Does all that is due for all applications, and waits for what is under way, within `timeout` seconds: what a timer calls. */
export async function visit(rotator, { timeout = 60 } = {}) {
  const { statuses, failures } = await driven(rotator, rotator.applications.map(({ clientId }) => clientId), timeout);
  return { statuses: [...statuses.values()], failures: [...failures].map(([name, error]) => ({ name, error })) };
}
