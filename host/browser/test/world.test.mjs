// The doubles by themselves: the page's tests rely on what they promise.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Judge } from '../src/rules.js';
import { CLIENT_ID, DAY, MINUTE, SECOND, TARGETS } from '../src/world/names.js';
import { World } from '../src/world/world.js';

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);
const ROTATION = 'sellingpartnerapi::client_credential:rotation';
const VERIFICATION = 'sellingpartnerapi::notifications';

const askToken = (world, secret, scope) => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: secret, scope });
  return world.amazon.serve({ method: 'post', url: 'https://api.amazon.com/auth/o2/token', headers: [], body: encode(String(body)) });
};
const use = (world, token, method, path) =>
  world.amazon.serve({ method, url: `https://sellingpartnerapi-na.amazon.com${path}`, headers: [{ name: 'x-amz-access-token', value: encode(token) }], body: encode('') });
const tokenOf = (world, secret, scope) => JSON.parse(decode(askToken(world, secret, scope).body)).access_token;
const rotate = (world) => use(world, tokenOf(world, world.amazon.issued[0].secret, ROTATION), 'post', '/applications/2023-11-30/clientSecret');
const verify = (world, secret) => use(world, tokenOf(world, secret, VERIFICATION), 'get', '/notifications/v1/destinations');

describe('the simulated Amazon', () => {
  it('answers a rotate call with 204 and no body, and sends the new secret to the queue', () => {
    const world = new World();
    const answer = rotate(world);
    assert.deepEqual([answer.status, answer.body.length], [204, 0]);
    assert.equal(world.queue.receive(10, 20, 30).length, 1);
  });

  it('accepts both secrets for 7 days, and then the new one alone', () => {
    const world = new World();
    rotate(world);
    const [old, fresh] = world.amazon.issued.map((one) => one.secret);
    for (const secret of [old, fresh]) assert.equal(verify(world, secret).status, 200);
    world.moveTo(world.now + 7 * DAY);
    assert.equal(askToken(world, old, VERIFICATION).status, 401);
    assert.equal(verify(world, fresh).status, 200);
  });

  it('issues tokens for a secret that lags, and refuses them', () => {
    const world = new World();
    world.faults.toggle('lag');
    rotate(world);
    const { secret } = world.amazon.newest;
    assert.equal(askToken(world, secret, VERIFICATION).status, 200);
    assert.equal(verify(world, secret).status, 403);
    world.moveTo(world.now + 25 * MINUTE);
    assert.equal(verify(world, secret).status, 200);
  });

  it('carries out one rotate call a minute', () => {
    const world = new World();
    rotate(world);
    assert.equal(rotate(world).status, 429);
    world.moveTo(world.now + MINUTE);
    assert.equal(rotate(world).status, 204);
    assert.equal(world.amazon.rotations, 2);
  });

  it('wants the scope of the call', () => {
    const world = new World();
    const token = tokenOf(world, world.amazon.newest.secret, VERIFICATION);
    assert.equal(use(world, token, 'post', '/applications/2023-11-30/clientSecret').status, 403);
  });
});

describe('the queue', () => {
  const withMessage = () => {
    const world = new World();
    world.queue.put('hello', 'foreign', 0);
    return world;
  };

  it('gives a message that is not deleted out again, under a new receipt', () => {
    const world = withMessage();
    const [first] = world.queue.receive(10, 0, 30);
    assert.equal(world.queue.receive(10, 0, 30).length, 0);
    world.moveTo(world.now + 30 * SECOND);
    const [second] = world.queue.receive(10, 0, 30);
    assert.equal(second.receiveCount, 2);
    world.queue.delete(first.receiptHandle);
    assert.equal(world.queue.messages.length, 1, 'the old receipt deletes nothing');
    assert.throws(() => world.queue.hide(first.receiptHandle, 5), { message: 'stale-receipt' });
    world.queue.delete(second.receiptHandle);
    assert.equal(world.queue.messages.length, 0);
  });

  it('says how many messages it holds, and which are hidden', () => {
    const world = withMessage();
    const counts = () => Object.fromEntries(world.queue.inspect('lwa').attributes.val.filter(({ name }) => /Visible|Messages$/.test(name)).map(({ name, value }) => [name, value]));
    assert.deepEqual(counts(), { ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesNotVisible: '0' });
    world.queue.receive(10, 0, 30);
    assert.deepEqual(counts(), { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '1' });
  });

  it('waits for the first message, and no longer than asked', () => {
    const world = new World();
    const { now } = world;
    world.queue.put('soon', 'foreign', 5 * SECOND);
    assert.equal(world.queue.receive(10, 3, 30).length, 0);
    assert.equal(world.now, now + 3 * SECOND);
    assert.equal(world.queue.receive(10, 20, 30).length, 1);
    assert.equal(world.now, now + 5 * SECOND);
  });
});

describe('the store', () => {
  it('replaces the revision that is named, or nothing', () => {
    const { store } = new World();
    const first = store.save(encode('{}'), undefined, () => {});
    const second = store.save(encode('{"two": 2}'), first, () => {});
    assert.throws(() => store.save(encode('{"three": 3}'), first, () => {}), { message: 'conflict' });
    assert.throws(() => store.save(encode('{"three": 3}'), undefined, () => {}), { message: 'conflict' });
    assert.equal(store.load().revision, second);
    assert.deepEqual(store.record, { two: 2 });
  });

  it('removes the revision that is named, or nothing', () => {
    const { store } = new World();
    const first = store.save(encode('{}'), undefined, () => {});
    assert.throws(() => store.remove('0'), { message: 'conflict' });
    assert.equal(store.load().revision, first);
    store.remove(first);
    assert.equal(store.load(), undefined);
    assert.throws(() => store.remove(first), { message: 'conflict' });
  });
});

/** A record as far as the page reads it. */
const recordOf = (secret, { retired = [], phase = 'idle' } = {}) => ({
  call: { phase },
  secrets: { generation: 1, current: { secret, verification: 'verified' }, retired: retired.map((one) => ({ secret: one, ends_at: Infinity })) },
});

describe('the judge finds a component that', () => {
  /** A world that has rotated, whose record says what the test wants it to. */
  const rotated = () => {
    const world = new World();
    const judge = new Judge(world);
    rotate(world);
    const [old, fresh] = world.amazon.issued.map((one) => one.secret);
    const record = recordOf(old);
    world.store.save(encode(JSON.stringify(record)), undefined, () => {});
    return { world, judge, old, fresh, record, message: world.queue.ours[0] };
  };
  const broken = (judge) => judge.broken.map(({ rule }) => rule);

  it('calls before its intent is saved, or twice', () => {
    const { judge, world } = rotated();
    judge.rotateCall(1, 1);
    assert.deepEqual(broken(judge), [1]);
    const { revision } = world.store.load();
    world.store.save(encode(JSON.stringify(recordOf('any', { phase: { sent: { call: { id: 2 } } } }))), revision, () => {});
    judge.rotateCall(2, 2);
    assert.deepEqual(broken(judge), [1]);
    judge.rotateCall(2, 2);
    assert.deepEqual(broken(judge), [1, 2, 3]);
  });

  it('calls a secret verified, or publishes it, that SP-API has not accepted', () => {
    const { judge, fresh, world, old } = rotated();
    judge.save(recordOf(fresh, { retired: [old] }));
    judge.publish(fresh);
    assert.deepEqual(broken(judge), [4, 4]);
    verify(world, fresh);
    judge.publish(fresh);
    assert.deepEqual(broken(judge), [4, 4]);
  });

  it('deletes the message before the secret is published', () => {
    const { judge, world, fresh, message } = rotated();
    judge.delete(message);
    assert.deepEqual(broken(judge), [5]);
    verify(world, fresh);
    const { revision } = world.store.load();
    world.store.save(encode(JSON.stringify(recordOf(fresh))), revision, () => {});
    judge.delete(message);
    assert.deepEqual(broken(judge), [5, 5]);
    for (const { name } of TARGETS) world.targets.put(name, { clientSecret: encode(fresh) });
    judge.delete(message);
    assert.deepEqual(broken(judge), [5, 5]);
  });

  it('loses the newest secret', () => {
    const { judge, world } = rotated();
    judge.always();
    assert.deepEqual(broken(judge), []);
    world.queue.messages = [];
    judge.always();
    assert.deepEqual(broken(judge), [5]);
  });

  it('goes back to an older secret, or drops the retired one', () => {
    const { judge, world, old, fresh } = rotated();
    verify(world, old);
    verify(world, fresh);
    judge.save(recordOf(fresh));
    assert.deepEqual(broken(judge), [8]);
    const { revision } = world.store.load();
    world.store.save(encode(JSON.stringify(recordOf(fresh))), revision, () => {});
    judge.save(recordOf(old, { retired: [fresh] }));
    assert.deepEqual(broken(judge), [8, 6]);
  });

  it('deletes what is not its own', () => {
    const { judge, world } = rotated();
    world.queue.put('{}', 'foreign', 0);
    judge.delete(world.queue.messages.at(-1));
    judge.left('message-of-nobody');
    assert.deepEqual(broken(judge), [7, 7]);
  });

  it('says a secret, keeps the remedy to itself, or does something else when asked again', () => {
    const { judge, fresh } = rotated();
    judge.silence(`{"text":"${fresh}"}`);
    judge.problem({ happened: 'this', stillWorks: 'that', remedy: '' });
    judge.repeated(false);
    assert.deepEqual(broken(judge), [9, 11, 10]);
  });
});
