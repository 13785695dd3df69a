import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Credentials } from '#drivers/target.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { contract } from './contract.js';
import { HypervPeer } from './hyperv-peer.js';
import type { Subject } from './subject.js';

t.setTimeout(300_000);

const user = { name: 'Administrator', password: 'p ä"ss\\w0rd' };
const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
t.teardown(() => rm(folder, { recursive: true }));
const credentials = new Credentials([
  ['username', Buffer.from(user.name)],
  ['password', Buffer.from(user.password)],
]);

/** `byJob`: whatever changes something is done by a job, which does not say what it made. */
async function subjectOf(mode: 'v1' | 'v2', byJob: boolean): Promise<Subject> {
  const simulator = await Simulator.start({ mode, folder: await mkdtemp(join(folder, mode)), users: [user], jobMs: 5, byJob });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const stranger = new HypervPeer(simulator);
  const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
  return {
    name: `Hyper-V by WMI ${mode}${byJob ? ', all by jobs' : ''}`,
    connect: () => connectHypervDriver(uri, credentials, { signal: AbortSignal.timeout(30_000), pace: { first: 2, longest: 20 } }),
    without: ['live', 'pools', 'volumes', 'networks', 'consoles', 'guests', 'events'],
    cannot: ['startPaused', 'resetPaused', 'tellWhyOff', 'imagineDisks', 'askMachines', 'changeFirmware', 'haveDisks'],
    peer: stranger.peer,
    guests: { hearing: stranger.hearing, deaf: stranger.deaf, unstartable: stranger.unstartable },
  };
}

// All are there before the first check begins.
const subjects: Subject[] = [];
for (const mode of ['v2', 'v1'] as const) for (const byJob of [false, true]) subjects.push(await subjectOf(mode, byJob));
for (const subject of subjects) await contract(t, subject);
