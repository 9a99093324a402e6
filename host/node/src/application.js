import { version as released } from '../component/component.js';

const DAY = 24 * 60 * 60;

/** An application's settings, whole and a copy of their own: a mistake in them is told now, and not when a secret has ended. */
export function application({
  clientId, apiEndpoint, tokenEndpoint = 'https://api.amazon.com/auth/o2/token', rotateBefore = 30 * DAY, patience = DAY / 24, targets = [], userAgent = {},
}) {
  const { application: name = 'lwa-rotate', version = released, language = 'JavaScript' } = userAgent;
  const wrong = (what) => new TypeError(`the application '${clientId}': ${what}`);
  for (const [member, value, most] of [['rotateBefore', rotateBefore, 173 * DAY], ['patience', patience, 6 * DAY]]) {
    if (!Number.isInteger(value) || value < 1 || value > most) throw wrong(`${member} is a whole number of seconds from 1 to ${most}`);
  }
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string')) throw wrong('targets is an array of strings');
  for (const [member, value] of Object.entries({ clientId, apiEndpoint, tokenEndpoint, name, version, language })) {
    if (typeof value !== 'string') throw wrong(`${member} is a string`);
  }
  return { clientId, apiEndpoint, tokenEndpoint, rotateBefore, patience, targets: [...targets], userAgent: { application: name, version, language } };
}
