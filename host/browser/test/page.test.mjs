// The page in a real browser: every button, with the newest secret current, published and acknowledged in the end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { component } from '../component.mjs';
import { FAULTS } from '../src/world/faults.js';
import { start } from './browser.mjs';

const here = import.meta.dirname;
const TIMEOUT = { timeout: 30_000 };
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1440, height: 900 };

let chromium;
let opened = [];
before(async () => {
  chromium = await start();
});
after(() => chromium?.stop());

afterEach(async () => {
  for (const { page, errors, requests } of opened) {
    assert.deepEqual(errors, [], 'nothing is said on the console');
    assert.deepEqual(requests.filter((url) => new URL(url).origin !== chromium.origin), [], 'no request leaves the origin');
    await page.close();
  }
  opened = [];
});

async function open(...args) {
  const one = await chromium.open(...args);
  opened.push(one);
  await ready(one.page);
  return one.page;
}

const ready = (page) => page.waitForSelector('body[data-ready]', TIMEOUT);

/** A new world, as on the first visit. */
async function startOver(page) {
  await press(page, 'start-over');
  await ready(page);
  assert.equal(await page.$('#log > *'), null);
}

const enabled = (page, id) => page.waitForSelector(`#${id}:enabled`, TIMEOUT);

async function press(page, id) {
  await enabled(page, id);
  await page.evaluate((button) => document.getElementById(button).click(), id);
}

/** Presses a button and waits until the run that follows has ended; how. */
async function run(page, id) {
  await enabled(page, id);
  return page.evaluate((button) => new Promise((ended) => {
    globalThis.lwaRotate.world.listen((what) => what.type === 'ended' && requestAnimationFrame(() => ended(what.how)));
    document.getElementById(button).click();
  }), id);
}

/** What the world and the judge know, and what the page shows of it. */
const look = (page) => page.evaluate(() => {
  const { world, judge, status, ended } = globalThis.lwaRotate;
  const { amazon, queue, store, targets } = world;
  return {
    ended,
    state: status.state,
    newest: amazon.newest.secret,
    current: store.record.current.secret,
    proven: store.record.current.proof === 'proven',
    published: [...targets.held.values()].map((one) => one.secret),
    queue: queue.messages.map((message) => message.kind),
    issued: amazon.issued.length,
    broken: judge.broken,
    looks: Object.fromEntries(judge.looks),
    log: document.getElementById('log').textContent,
    story: document.getElementById('story').textContent,
    stages: Array.from(document.querySelectorAll('.stage'), (stage) => stage.dataset.state),
    run: document.body.dataset.run,
  };
});

/** Presses a button, and decides like an operator until it is settled: waits once more, then has Amazon asked again. */
async function toTheEnd(page, button) {
  for (const next of [button, 'wait-more', 'ask-again']) {
    if ((await run(page, next)) === 'settled') return;
    assert.equal((await look(page)).ended, 'stalled');
  }
  assert.fail('stalled for good');
}

async function assertSettled(page, left = []) {
  const seen = await look(page);
  assert.deepEqual(seen.broken, []);
  assert.equal(seen.state, 'settled');
  assert.equal(seen.current, seen.newest, 'the newest secret is current');
  assert.ok(seen.proven);
  assert.deepEqual(seen.published, [seen.newest, seen.newest], 'and published');
  assert.deepEqual(seen.queue, left, 'and its message is gone');
  return seen;
}

describe('a rotation', () => {
  it('is run by one button, and lights up every stage', async () => {
    const page = await open();
    const before = await look(page);
    assert.equal(await run(page, 'rotate'), 'settled');
    const seen = await assertSettled(page);
    assert.equal(seen.issued, before.issued + 1);
    assert.deepEqual(seen.stages, Array(8).fill('done'));
    assert.match(seen.story, /^[\d:]+Settled/);
    for (const rule of [1, 2, 4, 5, 6, 8, 9, 10]) assert.ok(seen.looks[rule] > before.looks[rule], `rule ${rule} was looked at`);
  });

  it('begins by itself when its deadline comes', async () => {
    const page = await open();
    const { issued } = await look(page);
    assert.equal(await run(page, 'next'), 'settled');
    assert.equal((await assertSettled(page)).issued, issued + 1);
  });

  it('is run by one host, though two want it at once', async () => {
    const page = await open();
    const { issued, looks } = await look(page);
    assert.equal(await run(page, 'two-hosts'), 'settled');
    const seen = await assertSettled(page);
    assert.equal(seen.issued, issued + 1, 'Amazon was called once');
    assert.equal(seen.looks[3], looks[3] + 1, 'rule 3 was looked at');
    assert.match(seen.log, /conflict/, 'the other one was refused by the store');
  });

  it('can be stepped through, one import at a time', async () => {
    const page = await open();
    const answered = () => page.evaluate(() => document.querySelectorAll('#log .effect.good, #log .effect.bad').length);
    await press(page, 'step');
    for (let steps = 0; steps < 8; steps += 1) {
      await page.waitForFunction(() => document.querySelectorAll('#log .waiting').length === 1 && document.getElementById('held').textContent !== '', TIMEOUT);
      assert.equal(await answered(), steps);
      await press(page, 'step');
    }
    assert.equal(await run(page, 'run'), 'settled');
    await assertSettled(page);
  });

  it('can be started over while it runs', async () => {
    const page = await open();
    await press(page, 'step');
    await page.waitForSelector('#log .waiting', TIMEOUT);
    await startOver(page);
    assert.equal(await run(page, 'rotate'), 'settled');
    await assertSettled(page);
  });
});

describe('what goes wrong at a click ends settled', () => {
  const LEFT = { foreign: ['foreign'], garbage: ['unreadable'] };
  const SHOWS = {
    'answer-lost': /outcome unknown.*never calls again on a guess/s,
    'too-late': /A person decides/,
    twice: /nothing new|acknowledged: message-\d+.*acknowledged: message-\d+/s,
    foreign: /left/,
    garbage: /left/,
    lag: /403.*not proven/s,
    'lwa-down': /503.*rotate refused/s,
    conflict: /conflict/,
    target: /unavailable.*not published/s,
  };
  for (const { id, label, strikes } of FAULTS) {
    it(label, async () => {
      const page = await open();
      const { issued } = await look(page);
      await press(page, `fault-${id}`);
      await page.waitForSelector(`#fault-${id}[aria-pressed=true]`, TIMEOUT);
      await toTheEnd(page, 'rotate');
      const seen = await assertSettled(page, LEFT[id]);
      assert.equal(seen.issued, issued + 1, 'the rotate call was carried out once');
      assert.ok(seen.log.includes(strikes), 'the fault struck');
      assert.match(seen.log + seen.story, SHOWS[id] ?? /settled/);
    });
  }

  it('all of it together', async () => {
    const page = await open();
    const { issued } = await look(page);
    for (const { id } of FAULTS) await press(page, `fault-${id}`);
    await toTheEnd(page, 'two-hosts');
    const { queue, ...seen } = await look(page);
    assert.deepEqual(queue.sort(), ['foreign', 'unreadable']);
    assert.deepEqual([seen.broken, seen.state, seen.current, seen.issued], [[], 'settled', seen.newest, issued + 1]);
  });

  it('rotated in the console', async () => {
    const page = await open();
    const { issued } = await look(page);
    assert.equal(await run(page, 'console'), 'settled');
    const seen = await assertSettled(page);
    assert.equal(seen.issued, issued + 1);
    assert.doesNotMatch(seen.log, /clientSecret/, 'nobody here has called');
    assert.deepEqual(seen.stages.slice(1, 3), ['elsewhere', 'elsewhere']);
  });
});

describe('a host that is killed', () => {
  for (const kill of ['kill-before', 'kill-after']) {
    it(`${kill === 'kill-before' ? 'before' : 'after'} any effect of a rotation costs nothing`, async (t) => {
      const page = await open();
      let places = 0;
      for (;;) {
        const before = await look(page);
        await press(page, 'step');
        const reached = await page.evaluate(async (steps) => {
          const driver = globalThis.lwaRotate;
          const held = async () => {
            while (driver.busy && driver.held.length === 0) await new Promise((later) => setTimeout(later));
            return driver.held[0]?.name;
          };
          let name = await held();
          for (let step = 0; step < steps && name; step += 1) {
            document.getElementById('step').click();
            name = await held();
          }
          return name;
        }, places);
        if (!reached) break;
        assert.equal(await run(page, kill), 'killed', `at ${reached}, place ${places}`);
        await toTheEnd(page, 'run');
        const seen = await assertSettled(page);
        assert.ok(seen.issued <= before.issued + 1, `rotated twice after a death at ${reached}, place ${places}`);
        places += 1;
        await startOver(page);
      }
      t.diagnostic(`${places} places`);
      assert.ok(places >= 19, `only ${places} places`);
    });
  }

  it('leaves the work to another one that is at it', async () => {
    const page = await open('/?pace=30');
    const { issued } = await look(page);
    await press(page, 'two-hosts');
    await page.waitForFunction(() => new Set(globalThis.lwaRotate.held.map(({ host }) => host.name)).size === 2, TIMEOUT);
    await press(page, 'kill-before');
    await page.waitForFunction(() => document.body.dataset.run === 'settled', TIMEOUT);
    const seen = await assertSettled(page);
    assert.match(seen.log, /is killed/);
    assert.equal(seen.issued, issued + 1);
  });

  it('while it runs at its own pace is followed by another one', async () => {
    const page = await open('/?pace=60');
    await press(page, 'rotate');
    await page.waitForFunction(() => document.querySelectorAll('#log .effect').length > 4, TIMEOUT);
    assert.equal(await run(page, 'kill-after'), 'killed');
    await toTheEnd(page, 'run');
    await assertSettled(page);
  });
});

describe('the page', () => {
  it('shows no secret that nobody asked for, and each on a click', async () => {
    const page = await open();
    await run(page, 'rotate');
    await page.$$eval('#log .label', (labels) => labels.forEach((label) => label.click?.()));
    const shown = () => page.evaluate(() => [...globalThis.lwaRotate.world.invented.keys()].filter((value) => document.body.innerText.includes(value)));
    assert.deepEqual(await shown(), []);
    await page.click('#at-targets .chip');
    assert.deepEqual(await shown(), [(await look(page)).newest]);
  });

  it('runs the component that it names, which is the built one, and reads its imports from it', async () => {
    const page = await open();
    const served = await page.evaluate(() => document.querySelector('.download').href);
    const shown = await page.$eval('#digest', (digest) => digest.textContent);
    for (const file of [path.join(here, '../dist', new URL(served).pathname), await component()]) {
      assert.equal(shown, createHash('sha256').update(await readFile(file)).digest('hex'), file);
    }
    const world = await readFile(path.join(here, '../../../wit/world.wit'), 'utf8');
    const wanted = Array.from(world.matchAll(/^ {2}import (\S+);/gm), ([, name]) => (name.includes(':') ? name : `lwa:rotation/${name}@0.1.0`));
    const imports = await page.$$eval('#imports li > code', (names) => names.map((name) => name.textContent));
    assert.deepEqual(imports.sort(), wanted.sort());
    const functions = await page.$$eval('#imports .function', (names) => names.map((name) => name.textContent));
    assert.deepEqual(functions, ['find', 'send', 'receive', 'delete', 'hide', 'load', 'save', 'put', 'emit', 'now', 'get-random-u64']);
  });

  it('may connect to nothing', async () => {
    const one = await chromium.open();
    await ready(one.page);
    const connected = await one.page.evaluate(() => fetch('lwa-rotate.wasm').then(() => true, () => false));
    assert.equal(connected, false);
    assert.equal(one.errors.length > 0 && one.errors.every((error) => /Content Security Policy|Failed to fetch/.test(error)), true);
    await one.page.close();
  });

  for (const [name, viewport] of Object.entries({ 'a phone': PHONE, 'a desktop': DESKTOP })) {
    for (const scheme of ['light', 'dark']) {
      it(`is usable on ${name}, ${scheme}`, async () => {
        const page = await open('/?pace=0', viewport, [{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
        await assertAccessible(page);
        await press(page, 'step');
        await page.waitForSelector('#log .waiting', TIMEOUT);
        assert.equal(await page.evaluate(() => document.getAnimations().length), 0, 'nothing moves when motion is unwanted');
        await page.click('#log .waiting .label');
        await assertAccessible(page);
        await press(page, 'fault-too-late');
        await press(page, 'fault-target');
        assert.equal(await run(page, 'run'), 'stalled');
        await assertAccessible(page);
        assert.ok(await page.$eval('#problem', (problem) => problem.innerText.includes('What to do')));
        const small = await page.$$eval('.panel', (panels) => panels.filter((panel) => panel.clientHeight < 150).map((panel) => panel.innerText));
        assert.deepEqual(small, [], 'each panel has something to show');
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, 'nothing sticks out');
        const cut = await page.$$eval('button, h1, h2, .story p', (elements) => elements.filter((e) => e.offsetParent && e.getBoundingClientRect().right > innerWidth && !e.closest('.faults')).map((e) => e.textContent));
        assert.deepEqual(cut, []);
      });
    }
  }

  it('can be driven by keyboard alone', async () => {
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement.id);
    for (let presses = 0; presses < 20 && (await focused()) !== 'rotate'; presses += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(), 'rotate');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-run=settled]', TIMEOUT);
    await assertSettled(page);
  });

  it('does the same where WebAssembly cannot be suspended', async () => {
    const seen = [];
    for (const suspends of [true, false]) {
      const one = await chromium.open('about:blank');
      opened.push(one);
      if (!suspends) await one.page.evaluateOnNewDocument(() => delete WebAssembly.Suspending);
      await one.page.goto(`${chromium.origin}/?pace=0`);
      await ready(one.page);
      assert.equal(await one.page.evaluate(() => 'Suspending' in WebAssembly), suspends);
      await press(one.page, 'fault-answer-lost');
      await press(one.page, 'fault-lag');
      await press(one.page, 'step');
      await one.page.waitForSelector('#log .waiting', TIMEOUT);
      assert.equal(await run(one.page, 'kill-after'), 'killed');
      await toTheEnd(one.page, 'run');
      seen.push(await assertSettled(one.page));
    }
    assert.deepEqual(seen[0], seen[1]);
  });
});

async function assertAccessible(page) {
  const axe = await readFile(path.join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const said = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).slice(0, 4).join('; ')}`);
  assert.deepEqual(said, []);
}
