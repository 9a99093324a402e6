// The rules, and how often the page has looked whether they hold.

import { RULES } from '../rules.js';
import { sentence } from '../story.js';
import { $, h } from './dom.js';

export function showRules(world, judge) {
  const items = RULES.map(([number, name, text]) => {
    const count = h('span.count', {}, '');
    return { number, count, element: h('li', { id: `rule-${number}` }, h('span.number', { 'aria-hidden': 'true' }, String(number)), h('b', {}, name), h('span.text', {}, text), count) };
  });
  $('rules').replaceChildren(...items.map(({ element }) => element));
  const show = () => {
    for (const { number, count, element } of items) {
      const broken = judge.broken.some((one) => one.rule === number);
      const looks = judge.looks.get(number);
      count.textContent = broken ? 'broken' : looks === 0 ? 'no occasion yet' : `held ${looks}×`;
      element.classList.toggle('broken', broken);
      element.classList.toggle('held', !broken && looks > 0);
    }
    const { looks, broken } = judge.summary;
    $('rules-summary').textContent = broken ? `${broken} of ${looks} checks failed` : `${looks} checks, none failed`;
  };
  show();
  world.listen((what) => {
    const rule = sentence(what)?.rule;
    if (rule) for (const { number, element } of items) element.classList.toggle('shown', number === rule);
    requestAnimationFrame(show);
  });
}
