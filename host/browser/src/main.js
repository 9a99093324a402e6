// Puts the page together: the component, the world around it, and what shows them.

import { openComponent } from './component.js';
import { Driver } from './driver.js';
import { DAY, HOUR } from './world/names.js';
import { showAbout } from './view/about.js';
import { showControls } from './view/controls.js';
import { showDiagram } from './view/diagram.js';
import { $ } from './view/dom.js';
import { showFlow } from './view/flow.js';
import { showPlaces } from './view/places.js';
import { showRules } from './view/rules.js';
import { showSequence } from './view/sequence.js';
import { showStory } from './view/story.js';

function failed(error) {
  $('trouble').hidden = false;
  $('trouble').textContent = `The page itself has failed: ${error.message}. Start over, and tell us.`;
  console.error(error);
}

/** An application some months into its life: supplied, rotated once, and due again in a few hours. */
async function prepare(driver) {
  await driver.enroll();
  await driver.run({ request: true });
  driver.world.moveTo(driver.world.now + 8 * DAY);
  await driver.run();
  driver.world.moveTo(Number(driver.status.rotationDueAt) - 6 * HOUR);
  await driver.run();
  // Places are read now and then; what the visitor sees next is the rotation.
  for (let readings = 0; driver.next.kind === 'reading' && readings < 5; readings += 1) {
    driver.world.moveTo(driver.next.at);
    await driver.run();
  }
  driver.begin();
}

let present;

async function start(component) {
  document.body.removeAttribute('data-ready');
  present?.stop();
  const driver = new Driver(component);
  present = driver;
  await prepare(driver);
  $('log').replaceChildren();
  const { world, judge } = driver;
  showFlow(world);
  showStory(world);
  showSequence(world);
  showRules(world, judge);
  const refresh = [showDiagram(driver), showPlaces(world), showControls(driver, { failed, startOver: () => start(component) })];
  let wanted = false;
  const show = () => {
    wanted = false;
    if (driver !== present) return;
    for (const one of refresh) one();
  };
  world.listen(() => {
    if (!wanted) requestAnimationFrame(show);
    wanted = true;
  });
  show();
  document.body.dataset.ready = 'yes';
  globalThis.lwaRotate = driver; // For those who want to see behind the page.
}

try {
  const component = await openComponent();
  showAbout(component);
  await start(component);
} catch (error) {
  failed(error);
}
