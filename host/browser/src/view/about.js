// The component itself: what it can reach, which file it is.

import { $, h } from './dom.js';

const REASONS = {
  types: 'shared records, no functions',
  settings: 'which applications there are',
  http: 'LWA and SP-API',
  queue: 'Amazon SQS',
  store: 'the record',
  publish: 'where applications read',
  observe: 'events, without secrets',
  'wall-clock': 'what is due',
  random: 'jitter',
};

export function showAbout({ bytes, imports, digest }) {
  $('imports').replaceChildren(...imports.map(({ name, functions }) => {
    const short = name.split(/[/@]/)[1];
    return h('li', {}, h('code', {}, name), h('span', {}, functions.length ? functions.map((one) => [h('code.function', {}, one), ' ']) : ''), h('span.why', {}, REASONS[short] ?? ''));
  }));
  $('size').textContent = `${bytes.length.toLocaleString('en-GB')} bytes`;
  $('digest').textContent = digest ?? 'your browser computes digests for https and this machine only';
}
