// For browsers that cannot suspend WebAssembly: the same calls, without waiting in the middle of one. An import whose answer is not
// known yet stops the call; when the answer is there, the call is made once more from the start, with all answers so far. That leads
// to the same place every time, because the component reads nothing but its imports (rule 10).

class Unanswered extends Error {
  constructor(serve, args) {
    super('an import without an answer yet');
    Object.assign(this, { serve, args });
  }
}

/**
 * @param instantiate makes an instance whose imports answer at once
 * @param serve the imports, which may take their time
 * @returns the exports, which may take their time too
 */
export function replaying(instantiate, serve) {
  const call = (name) => async (...args) => {
    const tape = [];
    for (;;) {
      let place = 0;
      const answer = (one) => (...given) => {
        const noted = tape[place++];
        if (!noted) throw new Unanswered(one, given);
        if (noted.error) throw noted.error;
        return noted.answer;
      };
      const imports = Object.fromEntries(Object.entries(serve).map(([face, functions]) =>
        [face, Object.fromEntries(Object.entries(functions).map(([one, body]) => [one, answer(body)]))]));
      try {
        return (await instantiate(imports)).rotation[name](...args);
      } catch (stopped) {
        if (!(stopped instanceof Unanswered)) throw stopped;
        try {
          tape.push({ answer: await stopped.serve(...stopped.args) });
        } catch (error) {
          tape.push({ error });
        }
      }
    }
  };
  // Whoever awaits this must not take it for a promise.
  return new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : call(name)) });
}
