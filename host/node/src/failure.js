/** What an import could not do, by the name of a case of its `error` in the contract. The text is for people and holds no secret. */
export class Failure extends Error {
  name = 'Failure';
  constructor(tag, text) {
    super(text ?? tag);
    this.payload = text === undefined ? { tag } : { tag, val: text };
  }
}

/** Why a call of a `Rotator` was not carried out; none of the reasons loses anything. */
export class RotationError extends Error {
  name = 'RotationError';
  constructor({ tag, val }) {
    const text = typeof val === 'object' ? (val.val ?? val.tag) : val;
    super(text === undefined ? tag : `${tag}: ${text}`);
    this.tag = tag;
    this.val = val;
  }
}
