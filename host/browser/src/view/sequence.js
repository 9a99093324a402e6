// Every import call as it happens: an arrow from the component to whom it asks.

import { clock, day, lasting, spell } from '../text.js';
import { stateOf } from '../record.js';
import { $, h, masked } from './dom.js';

/** Rows kept; older ones go. */
const MOST = 400;

const decode = (bytes) => new TextDecoder().decode(bytes);

/** To whom an effect goes, and what it says. */
function describe({ name, args }) {
  switch (name) {
    case 'http.send': {
      const { method, url } = args[0];
      const { hostname, pathname } = new URL(url);
      return { lane: hostname === 'api.amazon.com' ? 'lwa' : 'sp-api', text: `${method.toUpperCase()} ${pathname}` };
    }
    case 'queue.receive': return { lane: 'sqs', text: `receive, up to ${args[1]}${args[2] ? `, wait ${args[2]} s` : ''}` };
    case 'queue.delete': return { lane: 'sqs', text: `delete ${args[1].split('#')[0]}` };
    case 'queue.hide': return { lane: 'sqs', text: `hide ${args[1].split('#')[0]} for ${lasting(args[2] * 1000)}` };
    case 'store.load': return { lane: 'store', text: 'load the record' };
    case 'store.save': {
      const { state, stage } = stateOf(JSON.parse(decode(args[1])));
      return { lane: 'store', text: `save: ${state}${stage ? `, ${stage}` : ''}` };
    }
    case 'queue.inspect': return { lane: 'sqs', text: 'inspect' };
    case 'store.remove': return { lane: 'store', text: 'remove the record' };
    case 'publish.read': return { lane: 'apps', text: `read ${args[0]}` };
    case 'publish.put': return { lane: 'apps', text: `put ${args[0]}` };
  }
  return { lane: 'store', text: name };
}

/** The answer in a word or two, and whether it is a good one. */
function brief({ effect, answer, error }) {
  if (error) return { text: error.tag.replace('-', ' '), good: false };
  switch (effect.name) {
    case 'http.send': return { text: String(answer.status), good: answer.status < 400 };
    case 'queue.receive': return { text: answer.length === 0 ? 'no message' : `${answer.length} message${answer.length > 1 ? 's' : ''}`, good: true };
    case 'store.load': return { text: answer ? `revision ${answer.revision}` : 'none', good: true };
    case 'store.save': return { text: `revision ${answer}`, good: true };
    case 'publish.read': return { text: answer.tag, good: true };
  }
  return { text: 'done', good: true };
}

const EVENTS = {
  'message-received': ({ id }) => `message received: ${id}`,
  acknowledged: (id) => `acknowledged: ${id}`,
  published: (target) => `published: ${target}`,
  'rotation-wanted': (reason) => `rotation wanted: ${reason}`,
  'asking-for-token': (purpose) => `asking for a token: ${purpose}`,
  'token-issued': (purpose) => `token issued: ${purpose}`,
};

export function showSequence(world) {
  const list = $('log');
  const scroller = $('log-box');
  const rows = new WeakMap();

  const add = (row) => {
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 90;
    list.append(row);
    while (list.children.length > MOST) list.firstChild.remove();
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
    return row;
  };
  const divider = (kind, ...content) => add(h(`li.divider.${kind}`, {}, h('time', {}, clock(world.now)), h('span', {}, ...content)));

  const opened = (details) => {
    const pre = h('pre', { hidden: true, tabindex: '0' });
    const fill = () => pre.replaceChildren(...masked(world, details()));
    return { pre, toggle: (event) => {
      const open = pre.hidden;
      pre.hidden = !open;
      event.currentTarget.setAttribute('aria-expanded', String(open));
      if (open) fill();
    } };
  };

  const effectRow = (effect) => {
    const { lane, text } = describe(effect);
    const row = { answered: undefined, answer: h('span.answer', {}, '…') };
    const { pre, toggle } = opened(() => `${effect.name}(${effect.args.map(spell).join(', ')})\n→ ${row.answered ? spell(row.answered.error ?? row.answered.answer) : 'not answered'}`);
    row.element = add(h('li.effect.waiting', { 'data-lane': lane },
      h('time', {}, clock(world.now)),
      h('div.wire', {},
        h('button.label', { type: 'button', 'aria-expanded': 'false', onclick: toggle }, h('span.host', { title: `host ${effect.host.name}` }, effect.host.name), h('span.lane', {}, lane), h('span.say', {}, text), row.answer),
        h('span.line', { 'aria-hidden': 'true' })),
      pre));
    rows.set(effect, row);
  };

  world.listen((what) => {
    switch (what.type) {
      case 'run':
        list.dataset.hosts = what.hosts;
        divider('run', day(world.now), what.hosts > 1 ? ', two hosts at the same time' : '');
        break;
      case 'call': divider('call', h('b', {}, `host ${what.host}`), ` calls ${what.name}`); break;
      case 'clock': divider('clock', `the clock moves ${lasting(world.now - what.from)} ahead, to ${day(world.now)}, ${clock(world.now)}`); break;
      case 'fault': divider('fault', what.fault.strikes); break;
      case 'console': divider('fault', 'a rotation is made in the console'); break;
      case 'killed': divider('fault', h('b', {}, `host ${what.host}`), ` is killed ${what.after ? 'after' : 'before'} its effect`); break;
      case 'broken': divider('fault', `rule ${what.rule} is broken: ${what.what}`); break;
      case 'effect': effectRow(what); break;
      case 'answer': {
        const row = rows.get(what.effect);
        const { text, good } = brief(what);
        row.answered = what;
        row.answer.textContent = text;
        row.element.classList.remove('waiting');
        row.element.classList.add(good ? 'good' : 'bad');
        break;
      }
      case 'sent':
        add(h('li.effect.sent', { 'data-lane': 'sent' }, h('time', {}, clock(what.at)), h('div.wire', {}, h('span.label', {}, h('span.lane', {}, 'amazon'), h('span.say', {}, what.message.kind === 'new-secret' ? 'sends the new secret' : 'a message that is not ours')), h('span.line', { 'aria-hidden': 'true' }))));
        break;
      case 'event': {
        const { tag, val } = what.event.what;
        const text = (EVENTS[tag] ?? (() => tag.replaceAll('-', ' ')))(val);
        add(h('li.event', {}, h('time', {}, clock(what.at)), h('span.note', {}, h('span.host', { title: `host ${what.host}` }, what.host), text)));
        break;
      }
      case 'glance': {
        if (what.name === 'observe.emit') break;
        add(h('li.event.glance', {}, h('time', {}, clock(what.at)), h('span.note', {}, what.name)));
        break;
      }
    }
  });
}
