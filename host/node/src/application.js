import os from 'node:os';
import { version as released } from '../component/component.js';

const DAY = 24 * 60 * 60;

/** An application's settings, whole and a copy of their own: a mistake in them is an error now, and not when a secret has ended. */
export function application({
  clientId, apiEndpoint, tokenEndpoint = 'https://api.amazon.com/auth/o2/token', queue = 'main', rotate = 'automatic', rotateBefore = 30 * DAY, patience = DAY / 24,
  targets = [], userAgent = {},
}, machine = os.hostname()) {
  const { application: name = 'lwa-rotate', version = released, language = 'JavaScript' } = userAgent;
  const wrong = (what) => new TypeError(`the application '${clientId}': ${what}`);
  for (const [member, value, most] of [['rotateBefore', rotateBefore, 173 * DAY], ['patience', patience, 6 * DAY]]) {
    if (!Number.isInteger(value) || value < 1 || value > most) throw wrong(`${member} is a whole number of seconds from 1 to ${most}`);
  }
  if (!['automatic', 'on-request'].includes(rotate)) throw wrong("rotate is 'automatic' or 'on-request'");
  if (!Array.isArray(targets) || !targets.every((target) => typeof target?.name === 'string')) throw wrong("targets is an array of objects with a name, such as { name: 'env' }");
  for (const [member, value] of Object.entries({ clientId, apiEndpoint, tokenEndpoint, queue, machine, name, version, language })) {
    if (typeof value !== 'string') throw wrong(`${member} is a string`);
  }
  const placed = targets.map(({ name: target, place = `function://${machine}/${target}` }) => ({ name: target, place }));
  if (!placed.every(({ place }) => typeof place === 'string' && place)) throw wrong('the place of a target is a string');
  for (const member of ['name', 'place']) {
    if (new Set(placed.map((target) => target[member])).size < placed.length) throw wrong(`two targets have the same ${member}`);
  }
  return { clientId, apiEndpoint, tokenEndpoint, queue, rotate, rotateBefore, patience, targets: placed, userAgent: { application: name, version, language } };
}
