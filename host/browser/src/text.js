// Values of the contract as text: for the page, and to compare two runs.

const decoder = new TextDecoder('utf-8', { fatal: true });

function readable(bytes) {
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    return `${bytes.length} bytes`;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Indented JSON; bytes as what they spell. */
export function spell(value) {
  const plain = (_, one) => {
    if (typeof one === 'bigint') return one <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(one) : String(one);
    return one instanceof Uint8Array ? readable(one) : one;
  };
  return JSON.stringify(value, plain, 2) ?? 'none';
}

const two = (number) => String(number).padStart(2, '0');

/** `09:00:05`, UTC. */
export function clock(instant) {
  const at = new Date(instant);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `1 Mar 2027`, UTC. */
export function day(instant) {
  const at = new Date(instant);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** A length of time in the largest unit that fits: `3 days`, `40 minutes`. */
export function lasting(milliseconds) {
  for (const [unit, length] of [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]]) {
    if (milliseconds < length) continue;
    const count = Math.round(milliseconds / length);
    return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'a moment';
}

/** `in 3 days`, `now`. */
export function ahead(instant, now) {
  return instant <= now ? 'now' : `in ${lasting(instant - now)}`;
}
