// The sentence at the top, lit up stage by stage.

import { STAGES, Stages } from '../stages.js';
import { $, h } from './dom.js';

const SAID = { todo: 'to come', active: 'under way', done: 'done', trouble: 'in trouble', elsewhere: 'done elsewhere' };

export function showFlow(world) {
  const stages = new Stages();
  const items = new Map(STAGES.map(([name, what]) => {
    const state = h('span.sr', {});
    return [name, { element: h('li.stage', {}, h('span.dot', { 'aria-hidden': 'true' }), h('b', {}, name), h('span.what', {}, what), state), state }];
  }));
  $('flow').replaceChildren(...[...items.values()].map(({ element }) => element));
  const show = () => {
    for (const [name, { element, state }] of items) {
      element.dataset.state = stages.of[name];
      state.textContent = `, ${SAID[stages.of[name]]}`;
    }
  };
  show();
  world.listen((what) => {
    if (what.type !== 'event') return;
    stages.take(what.event.what);
    show();
  });
}
