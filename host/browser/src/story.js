// What just happened, in a sentence, and the rule that shows in it.

/** The sentence on something that the world tells: `{ tone, text, rule? }`, or nothing if it is not worth one. */
export function sentence(what) {
  switch (what.type) {
    case 'fault': return { tone: 'fault', text: what.fault.strikes };
    case 'event': return happening(what.event.what);
    case 'answer': return what.error?.tag === 'conflict'
      ? { tone: 'plain', text: 'The save is refused, since another host wrote first. The record is read again, and decided anew.', rule: 3 }
      : undefined;
    case 'killed': return {
      tone: 'fault',
      text: what.after
        ? `Host ${what.host} died right after that: it took effect, and the host did not see the answer. What is saved is all that is left, and enough.`
        : `Host ${what.host} died right before that. What is saved is all that is left, and enough.`,
      rule: 5,
    };
    case 'broken': return { tone: 'fault', text: `Rule ${what.rule} is broken: ${what.what}.`, rule: what.rule };
    case 'console': return { tone: 'fault', text: 'A person rotates in Amazon’s console. No host here has asked for it.' };
    case 'ended': return ENDS[what.how];
  }
  return undefined;
}

const ENDS = {
  settled: { tone: 'good', text: 'Settled: the newest secret is current, every application reads it, and its message is gone.', rule: 5 },
  waiting: { tone: 'plain', text: 'Nothing more can be done now. Move the clock, or run until settled.' },
  killed: { tone: 'plain', text: 'No host is left. Start another one: run until settled, or step.' },
};

function happening({ tag, val }) {
  const plain = (text, rule) => ({ tone: 'plain', text, rule });
  switch (tag) {
    case 'rotation-wanted': return plain('A rotation begins. That it is wanted is saved before anything is sent.', 1);
    case 'queue-read': return plain('The queue was inspected and read to its end: a new secret would arrive, and none waits there.');
    case 'token-issued': return val === 'rotation' ? plain('LWA has issued an access token for the rotate call. Nothing has changed at Amazon yet.') : undefined;
    case 'calling-rotate': return plain('The intent is saved, and only now the rotate call is sent.', 1);
    case 'rotate-accepted': return plain('Amazon answers 204, without a body. The new secret comes once, through the queue.');
    case 'rotate-outcome-unknown': return plain('It may have rotated, or not. So it waits for the message and never calls again on a guess.', 2);
    case 'rotate-refused': return plain(`${capital(val.happened)}. Nothing has changed at Amazon, so it may try again, later.`, 2);
    case 'secret-kept': return plain('The new secret is saved as a candidate before anything else is done with it.', 4);
    case 'message-old': return plain('The message says nothing new. It changes nothing.', 6);
    case 'verified': return plain('SP-API accepts a token minted with the secret: it works.', 4);
    case 'not-verified': return plain('SP-API does not accept it yet. It is kept, its message stays in the queue, and it is tried again.', 4);
    case 'promoted': return plain('The new secret is current now. The retired one is kept until Amazon ends it.', 8);
    case 'published': return plain(`${val} holds the new secret.`);
    case 'not-published': return plain(`${val.target} did not take it. It is tried again, and the message stays until then.`, 5);
    case 'acknowledged': return plain('Everything is in its place. Only now the message is deleted.', 5);
    case 'hidden': return plain('The message is not finished: it stays in the queue, hidden until the next try.', 5);
    case 'left': return plain(val.why.tag === 'unreadable' ? 'A message that cannot be read: it stays where it is.' : 'A message for another application: it stays where it is.', 7);
    case 'retired-purged': return plain('Amazon has ended the retired secret. It is erased here, too.', 8);
    case 'stalled': return { tone: 'fault', text: `${capital(val.happened)}. A person decides; until then a new secret that comes is still taken up.`, rule: 11 };
    case 'resumed': return plain('A person has decided.');
  }
  return undefined;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
