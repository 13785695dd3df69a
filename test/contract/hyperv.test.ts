import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { VolumeFormat } from '#drivers/driver.js';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { servedDrives } from '#test/peers/hyperv-files.js';
import { usualFolder } from '#test/peers/hyperv-host.js';
import { contract } from './contract.js';
import { credentials, drivesFolder, user } from './hyperv-access.js';
import { HypervPeer } from './hyperv-peer.js';
import type { Subject } from './subject.js';

t.setTimeout(1_800_000);

const folder = await drivesFolder();

/** As WMI tells it. */
const folderName = 'd:\\hyper-v';
/** An empty volume, which keeps a name, is the smallest disk that there can be. */
const endings: Readonly<Record<'v1' | 'v2', Partial<Record<VolumeFormat, string>>>> = {
  v1: { Vhd: '.vhd', Raw: '.empty.vhd' },
  v2: { Vhdx: '.vhdx', Vhd: '.vhd', Raw: '.empty.vhdx' },
};

/** `byJob`: whatever changes something is done by a job, which does not say what it made. */
async function subjectOf(mode: 'v1' | 'v2', byJob: boolean): Promise<Subject> {
  const drives = await mkdtemp(join(folder, mode));
  for (const each of ['D/Hyper-V', usualFolder]) await mkdir(join(drives, each), { recursive: true });
  const simulator = await Simulator.start({ mode, folder: drives, users: [user], jobMs: 5, byJob });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const stranger = new HypervPeer(simulator);
  const samba = await servedDrives(drives, user).catch((reason) => skipWhereMissing(t, reason));
  t.teardown(() => samba[Symbol.asyncDispose]());
  const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http&smb=${samba.port}`;
  const connect = () => connectHypervDriver(uri, credentials, { signal: AbortSignal.timeout(30_000), pace: { first: 2, longest: 20 } });

  /** Machines are given real disks: Hyper-V opens them. */
  const disk = async (_: string, wanted: VolumeFormat) => {
    await using driver = await connect();
    const pool = (await driver.pools?.list(AbortSignal.timeout(30_000)))?.find(({ nativeName }) => nativeName === folderName);
    const format = pool?.formats.find((each) => each === wanted && each !== 'Raw') ?? pool?.formats[0];
    if (pool === undefined || format === undefined || driver.volumes === undefined) throw new Error('no pool');
    const definition = { pool: pool.id, nativeName: `disk.${randomUUID()}`, format, sizeBytes: 4 << 20 };
    const { location } = await driver.volumes.create(definition, AbortSignal.timeout(30_000));
    return { location, format };
  };

  const disc = async (name: string) => {
    const path = `${folderName}\\${name}.${randomUUID()}.iso`;
    await simulator.host.options.store.touch(path);
    return path;
  };

  return {
    name: `Hyper-V by WMI ${mode}${byJob ? ', all by jobs' : ''}`,
    connect,
    without: mode === 'v1' ? ['events'] : [],
    // Hundreds of machines are made, each by many questions.
    patienceMs: 900_000,
    cannot: ['startPaused', 'resetPaused', 'tellWhyOff', 'imagineDisks', 'askMachines', 'changeFirmware', 'makePools'],
    disk,
    disc,
    pool: folderName,
    adapter: 'Intel(R) 82574L Gigabit Network Connection #2',
    volumeBytes: 4 << 20,
    locate: (path, { nativeName, format, sizeBytes = 0 }) =>
      `${path}\\${nativeName}${format === 'Raw' && sizeBytes > 0 ? '.raw.iso' : (endings[mode][format] ?? '')}`,
    peer: stranger.peer,
    guests: { hearing: stranger.hearing, deaf: stranger.deaf, unstartable: stranger.unstartable },
  };
}

// All are there before the first check begins.
const subjects: Subject[] = [];
for (const mode of ['v2', 'v1'] as const) for (const byJob of [false, true]) subjects.push(await subjectOf(mode, byJob));
for (const subject of subjects) await contract(t, subject);
