// Where each secret is: at Amazon, in the queue, in the record, and where applications read it.

import { ahead, clock, lasting } from '../text.js';
import { TARGETS } from '../world/names.js';
import { $, h, masked, secretChip } from './dom.js';

const KINDS = { 'new-secret': 'new secret', foreign: 'for another application', unreadable: 'not readable' };

/** Writes a list only when it differs, so that what a visitor has opened or focused stays. */
function lister(id) {
  let last;
  return (key, items) => {
    if (key === last) return;
    last = key;
    $(id).replaceChildren(...items());
  };
}

export function showPlaces(world) {
  const { amazon, queue, store, targets } = world;
  const [atAmazon, inQueue, inStore, atTargets] = ['at-amazon', 'in-queue', 'in-store', 'at-targets'].map(lister);
  let lines = [];
  let shownRevision;

  const showRecord = () => {
    if (store.entry.revision === shownRevision) return;
    shownRevision = store.entry.revision;
    const now = JSON.stringify(store.record, null, 2).split('\n');
    const changed = (line) => lines.length > 0 && !lines.includes(line);
    $('record').replaceChildren(...now.map((line) => h(changed(line) ? 'span.changed' : 'span', {}, masked(world, `${line}\n`))));
    $('revision').textContent = `revision ${shownRevision}`;
    lines = now;
  };

  const show = () => {
    const { now } = world;
    const alive = amazon.issued.filter((one) => one.endsAt > now || one === amazon.newest);
    const said = (one) => (one.worksFrom > now ? `accepted ${ahead(one.worksFrom, now)}` : one.endsAt <= now ? 'ended' : `ends ${ahead(one.endsAt, now)}`);
    atAmazon(alive.map((one) => one.secret + said(one)).join(), () => alive.map((one) => h('li', {}, secretChip(world, one.secret), h('span', {}, said(one)))));

    const where = ({ visibleAt, received }) => (visibleAt <= now ? 'waits to be received' : received ? `received ${received}×, hidden for ${lasting(visibleAt - now)}` : `on its way for ${lasting(visibleAt - now)}`);
    inQueue(queue.messages.map((one) => one.id + where(one)).join(), () => (queue.messages.length === 0 ? [h('li.empty', {}, 'empty')] : queue.messages.map((one) => h(`li.message.${one.kind}`, {},
      one.secret ? secretChip(world, one.secret) : h('span.chip.plain', {}, KINDS[one.kind]),
      h('span', {}, where(one))))));

    const { current, candidates = [], retired = [] } = store.record.secrets;
    const kept = [
      ...candidates.map(({ secret }) => ['candidate', secret]),
      [current.verification === 'verified' ? 'current' : 'current, not verified', current.secret],
      ...retired.map(({ secret }) => ['retired', secret]),
    ];
    inStore(kept.join(), () => kept.map(([stage, secret]) => h('li', {}, secretChip(world, secret), h(`span.${stage.split(',')[0]}`, {}, stage))));

    const held = TARGETS.map(({ name }) => [name, targets.held.get(name)]);
    atTargets(held.map(([, one]) => one?.secret + one?.at).join(), () => held.map(([name, one]) => h('li', {}, one ? secretChip(world, one.secret) : h('span.chip.plain', {}, 'nothing'), h('span', {}, name, one ? h('time', {}, ` since ${clock(one.at)}`) : ''))));
    showRecord();
  };
  show();
  return show;
}
