// The emulator of Amazon that the program has, on a free port of loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const root = path.join(import.meta.dirname, '../../..');
export const program = process.env.LWA_ROTATE ?? path.join(root, 'target/debug/lwa-rotate');

export async function emulator(t, ...options) {
  const child = spawn(program, ['emulator', '--json', '--listen', '127.0.0.1:0', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  const [printed] = await once(child.stdout, 'data');
  const { api_endpoint: at, token_endpoint, queue_url, admin_url } = JSON.parse(printed);
  return {
    at,
    tokenEndpoint: token_endpoint,
    queueUrl: queue_url,
    async admin(what, body) {
      const answer = await fetch(admin_url + what, body && { method: 'POST', body: JSON.stringify(body) });
      return answer.json().catch(() => undefined);
    },
  };
}
