// How long a process of this host takes from its start to its first result, and how much it computes for it.
//
//     node start.js                   everything below, in a folder of its own: one line of JSON
//     node start.js prepare FOLDER    enrolls two applications in FOLDER
//     node start.js status FOLDER     ends when the status of the one is there
//     node start.js rotate FOLDER     `request` and `advance` of the other, up to the first request to Amazon, which is not sent
//
// `status` and `rotate` print {"ms": ..., "cpu_ms": ...}, counted from the start of the process, and may be run again in the
// same FOLDER. Wants `../package`, which `prepare` builds if LWA_ROTATE_COMPONENT names a component.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const QUIET = 'amzn1.application-oa2-client.quiet';
const ROTATING = 'amzn1.application-oa2-client.rotating';

/** Prints what the process has taken so far. */
function spent() {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ ms: Math.round(performance.now()), cpu_ms: Math.round((user + system) / 1000) }));
}

/** Ends the process in place of the first request. */
const http = {
  async send() {
    spent();
    process.exit();
  },
};

async function rotator(folder) {
  const { FileStore, Rotator } = await import('../package/src/index.js');
  const { MemoryQueue } = await import('../package/src/testing.js');
  const applications = [QUIET, ROTATING].map((clientId) => ({ clientId, apiEndpoint: 'https://sellingpartnerapi-eu.amazon.com' }));
  return new Rotator({ applications, store: new FileStore(folder), queue: new MemoryQueue(), http });
}

const steps = {
  async prepare(folder) {
    const component = process.env.LWA_ROTATE_COMPONENT;
    if (component) execFileSync(process.execPath, [path.join(import.meta.dirname, '../build.js'), component], { stdio: 'inherit' });
    for (const clientId of [QUIET, ROTATING]) await (await rotator(folder)).enroll(clientId, Buffer.from('amzn1.oa2-cs.v1.bench'));
  },
  async status(folder) {
    await (await rotator(folder)).status(QUIET);
    spent();
  },
  async rotate(folder) {
    const host = await rotator(folder);
    await host.request(ROTATING);
    await host.advance(ROTATING);
    throw new Error('nothing was sent');
  },
};

const [step, folder] = process.argv.slice(2);
if (step) {
  await steps[step](folder);
} else {
  const made = mkdtempSync(path.join(os.tmpdir(), 'lwa-rotate-'));
  const run = (name) => execFileSync(process.execPath, [import.meta.filename, name, made], { encoding: 'utf8' });
  run('prepare');
  console.log(JSON.stringify({ host: 'node', status: JSON.parse(run('status')), rotate: JSON.parse(run('rotate')) }));
  rmSync(made, { recursive: true });
}
