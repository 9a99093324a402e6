// What the page reads off a record, which is opaque to any other host: where it is, and how far.

import { TARGETS } from './world/names.js';

/** The phase of the rotate call by its name, and what it holds. */
export function phaseOf({ call }) {
  const [name, held] = typeof call.phase === 'string' ? [call.phase] : Object.entries(call.phase)[0];
  return { name, held };
}

/** The number of the rotate call whose intent a record holds and whose answer is not there; nothing if there is none. */
export function intentOf(record) {
  const { name, held } = phaseOf(record);
  return name === 'sent' ? held.call.id : undefined;
}

export const isVerified = ({ secrets }) => secrets.current.verification === 'verified';

/** The state as `status` gives it, and how far a rotate call has come. */
export function stateOf(record) {
  const { call, secrets, targets = {} } = record;
  const { name } = phaseOf({ call });
  const awaited = (secrets.candidates ?? []).filter(({ promote }) => promote === 'when-accepted');
  if (name === 'missing' || awaited.some(({ stalled }) => stalled)) return { state: 'stalled' };
  if (['wanted', 'preparing', 'sent'].includes(name)) return { state: 'requesting', stage: name };
  if (name === 'awaited') return { state: 'awaiting' };
  if (awaited.length > 0 || !isVerified(record)) return { state: 'verifying' };
  if (TARGETS.some(({ place }) => targets[place]?.generation !== secrets.generation)) return { state: 'publishing' };
  return { state: 'settled' };
}
