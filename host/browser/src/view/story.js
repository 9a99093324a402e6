// The line that says what happened and which rule holds, with the few before it.

import { RULES } from '../rules.js';
import { sentence } from '../story.js';
import { clock } from '../text.js';
import { $, h } from './dom.js';

const MOST = 12;

export function showStory(world) {
  const list = $('story');
  const entry = ({ tone, text, rule }, at) => h(`li.${tone}`, {},
    h('time', {}, clock(at)),
    h('p', {}, text, rule ? h('a.rule', { href: `#rule-${rule}` }, `Rule ${rule} · ${RULES[rule - 1][1]}`) : undefined));
  list.replaceChildren(entry({ tone: 'plain', text: 'Before you came, a secret was supplied and rotated once. Everything is settled. Press a button.' }, world.now));
  world.listen((what) => {
    const said = sentence(what);
    if (!said) return;
    list.prepend(entry(said, what.at));
    while (list.children.length > MOST) list.lastChild.remove();
  });
}
