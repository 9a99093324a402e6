// What can go wrong at a click. Each strikes once, at the next occasion.

/** In the order of the page: what the button says, and what happens when it strikes. */
export const FAULTS = [
  { id: 'answer-lost', label: 'rotate answer lost', strikes: 'Amazon has rotated, and its answer is lost on the way. The host does not know whether the call was carried out.' },
  { id: 'late', label: 'message 40 min late', strikes: 'The message with the new secret is on its way for 40 minutes.' },
  { id: 'too-late', label: 'message 90 min late', strikes: 'The message with the new secret is on its way for 90 minutes; the patience is one hour.' },
  { id: 'twice', label: 'message twice', strikes: 'The queue delivers the message twice, as standard queues do.' },
  { id: 'foreign', label: 'another application’s message', strikes: 'A message for another application lies in the same queue.' },
  { id: 'garbage', label: 'garbage message', strikes: 'A message that cannot be read lies in the queue.' },
  { id: 'lag', label: 'new secret lags', strikes: 'SP-API will not accept the new secret for another 25 minutes.' },
  { id: 'lwa-down', label: 'LWA down', strikes: 'LWA answers 503 for five minutes.' },
  { id: 'conflict', label: 'store conflict', strikes: 'Another host writes the record in the same moment: the save is refused.' },
  { id: 'target', label: 'target fails', strikes: 'The orders service does not take the credential, twice.' },
];

export class Faults {
  /** The ids of those that will strike. */
  armed = new Set();

  constructor(world) {
    this.world = world;
  }

  toggle(id) {
    if (!this.armed.delete(id)) this.armed.add(id);
    this.world.tell({ type: 'armed' });
  }

  /** Whether this fault strikes here. */
  take(id) {
    const strikes = this.armed.delete(id);
    if (strikes) this.world.tell({ type: 'fault', fault: FAULTS.find((fault) => fault.id === id) });
    return strikes;
  }
}
