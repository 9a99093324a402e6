// The buttons.

import { clock, day, ahead } from '../text.js';
import { FAULTS } from '../world/faults.js';
import { stateOf } from '../record.js';
import { DAY, HOUR } from '../world/names.js';
import { deadline } from './diagram.js';
import { $, h } from './dom.js';

/** Real milliseconds an effect is shown before it takes place. */
const PACES = { slow: 900, normal: 280, fast: 40 };

export function showControls(driver, { failed, startOver }) {
  const { world } = driver;
  const on = (id, act) => ($(id).onclick = () => Promise.resolve(act()).catch(failed));
  const run = (options) => driver.run(options);
  const running = (options) => { driver.go(); return run(options); };

  on('rotate', () => running({ request: stateOf(world.store.record).state === 'settled' }));
  on('two-hosts', () => running({ request: stateOf(world.store.record).state === 'settled', hosts: 2 }));
  on('run', () => {
    if (driver.busy && !driver.holding) driver.hold();
    else if (driver.busy) driver.go();
    else return running();
  });
  on('step', () => {
    driver.hold();
    if (driver.busy) driver.step();
    else return run({ request: driver.status.state === 'settled' && !driver.status.problem && world.queue.ours.length === 0 });
  });
  on('kill-before', () => driver.kill(false));
  on('kill-after', () => driver.kill(true));
  on('wait-more', () => running({ decide: 'wait' }));
  on('ask-again', () => running({ decide: 'request-again' }));
  on('start-over', startOver);
  const moveTo = (instant) => { world.moveTo(instant); return driver.busy ? undefined : run({ jump: false }); };
  on('hour', () => moveTo(world.now + HOUR));
  on('day', () => moveTo(world.now + DAY));
  on('next', () => moveTo(driver.next.at));
  on('console', () => {
    world.tell({ type: 'console' });
    world.amazon.rotate();
    return driver.busy ? undefined : running();
  });

  const faults = FAULTS.map(({ id, label, strikes }) => ({
    id,
    button: h('button.strike', { type: 'button', id: `fault-${id}`, title: strikes, onclick: () => world.faults.toggle(id) }, label),
  }));
  $('faults').replaceChildren(...faults.map(({ button }) => button), $('console'));

  const asked = Number(new URLSearchParams(location.search).get('pace') ?? NaN);
  driver.pace = Number.isNaN(asked) ? PACES.normal : asked;
  for (const input of document.querySelectorAll('[name=pace]')) {
    input.checked = driver.pace === PACES[input.value];
    input.onchange = () => (driver.pace = PACES[input.value]);
  }

  return () => {
    const { busy, holding, next, ended } = driver;
    const [held] = driver.held;
    document.body.dataset.run = busy ? (holding ? 'held' : 'running') : (ended ?? 'new');
    for (const id of ['rotate', 'two-hosts', 'hour', 'day']) $(id).disabled = busy;
    for (const id of ['rotate', 'two-hosts']) $(id).disabled = busy || ended === 'stalled';
    $('run').textContent = busy && !holding ? 'Pause' : 'Run until settled';
    $('run').disabled = !busy && (ended === 'stalled' || ((!ended || ended === 'settled') && world.queue.ours.length === 0));
    $('step').disabled = !busy && ended === 'stalled';
    for (const id of ['kill-before', 'kill-after']) $(id).disabled = !busy;
    $('next').disabled = busy || !next;
    $('next').title = next ? `${deadline(next)}, ${ahead(next.at, world.now)}` : '';
    $('decision').hidden = busy || ended !== 'stalled';
    $('clock').textContent = clock(world.now);
    $('date').textContent = day(world.now);
    $('held').textContent = busy && holding && held ? `Host ${held.host.name} is held before ${held.name}.` : '';
    const armed = world.faults.armed.size;
    $('rotate').textContent = armed ? `Rotate now, with ${armed} fault${armed > 1 ? 's' : ''}` : 'Rotate now';
    for (const { id, button } of faults) button.setAttribute('aria-pressed', String(world.faults.armed.has(id)));
  };
}
