/** Random numbers from a seed, so that every visit is the same run. */
export class Random {
  #state;

  /** @param {number} seed any whole number */
  constructor(seed) {
    this.#state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  }

  /** @returns {bigint} 64 bits (splitmix64) */
  next() {
    const cut = (value) => BigInt.asUintN(64, value);
    this.#state = cut(this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = cut((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = cut((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** @returns {string} as many hexadecimal digits */
  hex(digits) {
    let text = '';
    while (text.length < digits) text += this.next().toString(16).padStart(16, '0');
    return text.slice(0, digits);
  }
}
