import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { Failure } from './failure.js';

// What steers the connection is not the caller's: `host` would lead to another origin than the one that is allowed.
const RESERVED = /^(host|content-length|transfer-encoding|connection|upgrade|te|trailer|proxy-authorization)$/i;

/**
 * Requests to LWA and SP-API. Not `fetch`: it sends a request a second time by itself after a 421, and does not tell whether a
 * connection stood when it failed. Here the connection is made first, for one request alone, so it is known what can have left.
 */
export class Http {
  #allowed;

  constructor(urls) {
    this.#allowed = new Set(urls.map((url) => origin(new URL(url))));
  }

  async send({ method, url: text, headers, body, timeLimit, bodyLimit }) {
    if (!URL.canParse(text)) throw new Failure('not-sent', 'the URL of the request is not one');
    const url = new URL(text);
    if (!this.#allowed.has(url.origin) || url.username || url.password) throw new Failure('forbidden', url.origin);
    const bad = headers.find(({ name, value }) => RESERVED.test(name) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^ -~]/.test(Buffer.from(value).toString('latin1')));
    if (bad) throw new Failure('not-sent', `the header ${JSON.stringify(bad.name)} cannot be sent, or is not for the caller to set`);

    const limit = AbortSignal.timeout(timeLimit * 1000);
    const socket = await connected(url, Math.min(timeLimit * 1000, 10_000));
    // From here on something may have left this machine.
    try {
      return await exchange(socket, url, { method, headers, body, bodyLimit, limit });
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('outcome-unknown', `${url.origin} has not answered to the end: ${limit.aborted ? 'time ran out' : error.message}`);
    } finally {
      socket.destroy();
    }
  }
}

/** Scheme, host and port; plain `http` on loopback alone. */
export function origin(url) {
  const loopback = ['localhost', '[::1]'].includes(url.hostname) || /^127(\.\d+){3}$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw new TypeError(`requests to ${url.origin} would not be encrypted; use https (plain http is for loopback addresses only)`);
  }
  if (url.username || url.password) throw new TypeError(`the endpoint ${url.origin} holds a user name or a password; leave them out`);
  return url.origin;
}

/** A connection that stands, its certificate verified; nothing of the request has been written to it. */
async function connected(url, limit) {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const port = url.port || (secure ? 443 : 80);
  const socket = secure
    ? tls.connect({ host, port, servername: net.isIP(host) ? undefined : host, ALPNProtocols: ['http/1.1'], rejectUnauthorized: true })
    // The name is not left to a resolver, which might lead elsewhere.
    : net.connect({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  // Once the connection stands, its errors are the request's.
  socket.on('error', () => {});
  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(limit) });
    return socket;
  } catch (error) {
    socket.destroy();
    const why = error.name === 'AbortError' ? 'none in time' : (error.errors?.[0]?.message ?? error.message);
    throw new Failure('not-sent', `no connection to ${url.origin}: ${why}`);
  }
}

async function exchange(socket, url, { method, headers, body, bodyLimit, limit }) {
  const fixed = { host: url.host, 'content-length': body.length };
  const request = http.request(url, { createConnection: () => socket, protocol: 'http:', method: method.toUpperCase(), headers: fixed, signal: limit });
  for (const { name, value } of headers) request.setHeader(name, Buffer.from(value).toString('latin1'));
  request.end(body);
  // Whatever becomes of the connection, the promise is settled.
  const response = await new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
    request.on('upgrade', resolve).on('close', () => reject(new Error('the connection was closed')));
    limit.addEventListener('abort', reject);
  });
  if (response.statusCode < 200) throw new Error('it switches to another protocol');
  const parts = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part);
    length += part.length;
    if (length > bodyLimit) throw new Failure('too-large');
  }
  const raw = response.rawHeaders;
  const fields = raw.flatMap((name, i) => (i % 2 ? [] : [{ name: name.toLowerCase(), value: Buffer.from(raw[i + 1], 'latin1') }]));
  return { status: response.statusCode, headers: fields, body: Buffer.concat(parts) };
}
