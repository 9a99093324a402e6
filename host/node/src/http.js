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
    const url = URL.parse(text);
    if (!url) throw new Failure('not-sent', 'the URL of the request is not one');
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
function connected(url, limit) {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const port = url.port || (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const socket = secure
      ? tls.connect({ host, port, servername: net.isIP(host) ? undefined : host, ALPNProtocols: ['http/1.1'], rejectUnauthorized: true })
      // The name is not left to a resolver, which might lead elsewhere.
      : net.connect({ host: host === 'localhost' ? '127.0.0.1' : host, port });
    const late = setTimeout(() => socket.destroy(new Error('no connection in time')), limit);
    // Once the connection stands, its errors are the request's.
    socket.on('error', (error) => {
      clearTimeout(late);
      reject(new Failure('not-sent', `no connection to ${url.origin}: ${error.errors?.[0]?.message ?? error.message}`));
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      resolve(socket);
    });
  });
}

function exchange(socket, url, { method, headers, body, bodyLimit, limit }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      createConnection: () => socket,
      protocol: 'http:',
      method: method.toUpperCase(),
      headers: { host: url.host, 'content-length': body.length },
      signal: limit,
    });
    for (const { name, value } of headers) request.setHeader(name, Buffer.from(value).toString('latin1'));
    // Whatever becomes of the connection, the promise is settled.
    let answered = false;
    limit.addEventListener('abort', reject);
    request.on('error', reject);
    request.on('upgrade', () => reject(new Error('it switches to another protocol')));
    request.on('close', () => answered || reject(new Error('the connection was closed')));
    request.on('response', (response) => {
      answered = true;
      if (response.statusCode < 200) reject(new Error('it switches to another protocol'));
      const parts = [];
      let length = 0;
      response.on('error', reject);
      response.on('close', () => reject(new Error('the answer was cut')));
      response.on('data', (part) => {
        parts.push(part);
        length += part.length;
        if (length > bodyLimit) reject(new Failure('too-large'));
      });
      response.on('end', () => {
        const raw = response.rawHeaders;
        const fields = raw.flatMap((name, i) => (i % 2 ? [] : [{ name: name.toLowerCase(), value: Buffer.from(raw[i + 1], 'latin1') }]));
        resolve({ status: response.statusCode, headers: fields, body: Buffer.concat(parts) });
      });
    });
    request.end(body);
  });
}
