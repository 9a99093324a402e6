// A double of LWA and SP-API, as far as a rotation needs them. It is not Amazon: it does what Amazon documents, and what users of
// Amazon have seen (docs/rotation.md, "What if"). What it leaves out: several applications, grants of sellers, every other call.
//
// - A rotate call answers 204 without a body, once a minute; the old secret ends 7 days later, the new one after 180 days.
// - The new secret goes to the queue and nowhere else.
// - A new secret may lag: LWA issues tokens for it, and SP-API refuses them for a while.

import { CLIENT_ID, DAY, MINUTE, SECOND } from './names.js';

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);
const DENIED = 'Access to requested resource is denied.';
const SECRET_EXPIRED = 'The LWA secret token you provided has expired.';

export class Amazon {
  /** The secrets that were issued, oldest first: `{ secret, since, endsAt, worksFrom }`. */
  issued = [];
  /** The secrets that SP-API has accepted by a token minted with them. */
  verified = new Set();
  /** How many rotate calls were carried out. */
  rotations = 0;
  #tokens = new Map();
  #calledAt = -Infinity;
  #downUntil = 0;

  constructor(world) {
    this.world = world;
    const secret = world.invent('secret', `amzn1.oa2-cs.v1.${world.random.hex(64)}`);
    this.issued.push({ secret, since: world.now - 135 * DAY, endsAt: world.now + 45 * DAY, worksFrom: 0 });
  }

  get newest() {
    return this.issued.at(-1);
  }

  /** Answers one request. */
  serve({ method, url, headers, body }) {
    const header = (name) => headers.find((h) => h.name === name)?.value ?? new Uint8Array();
    const { pathname } = new URL(url);
    if (method === 'post' && pathname === '/auth/o2/token') return this.#token(new URLSearchParams(decode(body)));
    const token = decode(header('x-amz-access-token'));
    if (method === 'post' && pathname === '/applications/2023-11-30/clientSecret') return this.#rotate(token);
    if (method === 'get' && pathname === '/notifications/v1/destinations') return this.#destinations(token);
    return this.#refusal(404, 'NotFound', 'The resource does not exist.', '');
  }

  #token(form) {
    const { world } = this;
    if (world.faults.take('lwa-down')) this.#downUntil = world.now + 5 * MINUTE;
    if (world.now < this.#downUntil) return answer(503, { error: 'temporarily_unavailable', error_description: 'Service Unavailable' });
    const issued = this.issued.find((one) => one.secret === form.get('client_secret'));
    if (form.get('client_id') !== CLIENT_ID || !issued || issued.endsAt <= world.now) {
      return answer(401, { error_description: 'Client authentication failed', error: 'invalid_client' });
    }
    const token = world.invent('token', `Atc|${world.random.hex(48)}`);
    this.#tokens.set(token, { issued, scope: form.get('scope'), endsAt: world.now + 60 * MINUTE });
    return answer(200, { access_token: token, token_type: 'bearer', expires_in: 3600 });
  }

  /** What is wrong with this token, as an answer; nothing if it is good. */
  #against(token, scope) {
    const known = this.#tokens.get(token);
    const refuse = (details) => this.#refusal(403, 'Unauthorized', DENIED, details);
    if (!known) return refuse('The access token you provided is revoked, malformed or invalid.');
    if (known.endsAt <= this.world.now) return refuse('The access token you provided has expired.');
    const { issued } = known;
    if (issued.endsAt <= this.world.now || issued.worksFrom > this.world.now) return refuse(SECRET_EXPIRED);
    return known.scope === scope ? undefined : refuse('');
  }

  #destinations(token) {
    const refused = this.#against(token, 'sellingpartnerapi::notifications');
    if (refused) return refused;
    this.verified.add(this.#tokens.get(token).issued.secret);
    return answer(200, { payload: [] });
  }

  #rotate(token) {
    const refused = this.#against(token, 'sellingpartnerapi::client_credential:rotation');
    if (refused) return refused;
    if (this.world.now < this.#calledAt + MINUTE) {
      return this.#refusal(429, 'QuotaExceeded', 'You exceeded your quota for the requested resource.', '');
    }
    this.#calledAt = this.world.now;
    this.rotations += 1;
    this.rotate();
    return answer(204);
  }

  /** Issues a new secret, for the host or the console, and notifies. */
  rotate() {
    const { world } = this;
    const old = this.newest;
    old.endsAt = Math.min(old.endsAt, world.now + 7 * DAY);
    const lag = world.faults.take('lag') ? 25 * MINUTE : 0;
    const secret = world.invent('secret', `amzn1.oa2-cs.v1.${world.random.hex(64)}`);
    const issued = { secret, since: world.now, endsAt: world.now + 180 * DAY, worksFrom: world.now + lag };
    this.issued.push(issued);
    this.#notify(CLIENT_ID, issued, old.endsAt);
  }

  #notify(clientId, { secret, endsAt }, oldEndsAt) {
    const { world } = this;
    const { faults, queue } = world;
    if (faults.take('garbage')) queue.put('{"notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET", "payload": "oops', 'unreadable', 1 * SECOND);
    if (faults.take('foreign')) {
      const other = world.invent('secret', `amzn1.oa2-cs.v1.${world.random.hex(64)}`);
      queue.put(this.#body('amzn1.application-oa2-client.another', other, endsAt, oldEndsAt), 'foreign', 1 * SECOND);
    }
    let delay = 3 * SECOND;
    if (faults.take('late')) delay = 40 * MINUTE;
    if (faults.take('too-late')) delay = 90 * MINUTE;
    const body = this.#body(clientId, secret, endsAt, oldEndsAt);
    queue.put(body, 'new-secret', delay, secret);
    if (faults.take('twice')) queue.put(body, 'new-secret', delay + 30 * SECOND, secret);
  }

  #body(clientId, secret, endsAt, oldEndsAt) {
    const { random, now } = this.world;
    const instant = (at) => new Date(at).toISOString();
    return JSON.stringify({
      notificationVersion: '1.0',
      notificationType: 'APPLICATION_OAUTH_CLIENT_NEW_SECRET',
      payloadVersion: '2023-11-30',
      eventTime: instant(now),
      payload: {
        applicationOAuthClientNewSecret: {
          clientId,
          newClientSecret: secret,
          newClientSecretExpiryTime: instant(endsAt),
          oldClientSecretExpiryTime: instant(oldEndsAt),
        },
      },
      notificationMetadata: {
        applicationId: 'amzn1.sp.solution.made-up',
        subscriptionId: random.hex(8),
        publishTime: instant(now + 1250),
        notificationId: random.hex(16),
      },
    });
  }

  #refusal(status, code, message, details) {
    return answer(status, { errors: [{ code, message, details }] }, this.world.random.hex(8));
  }
}

function answer(status, body, requestId = '') {
  const headers = requestId ? [{ name: 'x-amzn-requestid', value: encode(requestId) }] : [];
  return { status, headers, body: encode(body ? JSON.stringify(body) : '') };
}
