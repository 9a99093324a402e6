/** An element: `h('p.note', { id: 'x', onclick }, 'text', otherElement)`. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined));
  return element;
}

/** The element of this id. */
export const $ = (id) => document.getElementById(id);

/** The text with a chip in place of each secret: it is made up, so it may be shown at a click. */
export function masked(world, text) {
  return world.cut(text).map((part) => (typeof part === 'string' ? part : chip(part)));
}

/** The chip of one secret, by its value. */
export function secretChip(world, value) {
  return chip({ value, ...world.invented.get(value) });
}

function chip({ value, kind, number }) {
  const name = `${kind} ${number}`;
  const hidden = kind === 'token' ? '•••' : '••••••';
  const shown = h('span.chip-value', {}, hidden);
  const button = h(`button.chip.hue-${kind === 'token' ? 'token' : number % 6}`, {
    type: 'button',
    title: `made up, so it can be shown: ${value}`,
    'aria-pressed': 'false',
    'aria-label': `${name}, show`,
    onclick: () => {
      const show = button.getAttribute('aria-pressed') === 'false';
      button.setAttribute('aria-pressed', String(show));
      button.setAttribute('aria-label', show ? `${name} is ${value}, hide` : `${name}, show`);
      shown.textContent = show ? value : hidden;
    },
  }, h('span.chip-name', {}, name), shown);
  return button;
}
