// The states and where the record is in them; what the component says of it.

import { stateOf } from '../record.js';
import { ahead, clock, day } from '../text.js';
import { $, h } from './dom.js';

const DEADLINES = {
  'rotation-due': 'the rotation is due',
  'call-permitted': 'the rotate call may be tried',
  'call-overdue': 'the host that makes the call has had its time',
  'patience-end': 'a person is called',
  verification: 'the new secret is tried again',
  'verification-of-current': 'the current secret is tried again',
  publication: 'the target is tried again',
  reading: 'the places are read again',
  'retired-end': 'Amazon ends the retired secret',
  reminder: 'what needs a person is reported again',
  message: 'a message can be received',
};

/** A deadline in words. */
export const deadline = ({ kind }) => DEADLINES[kind] ?? kind;

const STAGES = { wanted: 'no host is at it', preparing: 'a host inspects and reads the queue', sent: 'the call may have been sent' };

export function showDiagram(driver) {
  const { world } = driver;
  const nodes = document.querySelectorAll('#diagram [data-node]');
  let before;
  const show = () => {
    const { record } = world.store;
    const { state, stage } = stateOf(record);
    for (const node of nodes) node.classList.toggle('here', node.dataset.node === state);
    if (before && before !== state) {
      for (const edge of document.querySelectorAll('#diagram [data-edge]')) edge.classList.toggle('taken', edge.dataset.edge === `${before}-${state}`);
    }
    before = state;
    $('diagram-title').textContent = `The states; the record is in “${state}”`;
    $('state').replaceChildren(h('b', {}, state), stage ? `: ${STAGES[stage]}` : '');
    const { status } = driver;
    const next = driver.next;
    const facts = [
      ['current secret ends', record.secrets.current.expires_at ? day(record.secrets.current.expires_at) : 'unknown'],
      ['next', next && !driver.busy ? `${deadline(next)} ${ahead(next.at, world.now)}` : driver.busy ? 'at work' : 'only a message or a person'],
    ];
    $('facts').replaceChildren(...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
    const problem = !driver.busy && status?.problem;
    $('problem').hidden = !problem;
    if (problem) {
      $('problem').replaceChildren(
        h('h3', {}, 'What the component says'),
        h('p', {}, h('b', {}, 'What happened: '), problem.happened),
        h('p', {}, h('b', {}, 'What still works: '), problem.stillWorks),
        h('p', {}, h('b', {}, 'What to do: '), problem.remedy),
        problem.actBy ? h('p', {}, h('b', {}, 'By: '), `${clock(Number(problem.actBy))}, ${day(Number(problem.actBy))}`) : '',
      );
    }
  };
  show();
  return show;
}
