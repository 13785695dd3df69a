import { connect } from '#drivers/connect.js';
import type { MachineDefinition, PoolId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { type HypervLab, user } from './hyperv-lab.js';

export interface Stranger {
  readonly native: Machine;
  /** Notes, and what the host does with it when it starts. */
  readonly theirs: readonly unknown[];
  /** All but those. */
  readonly seen: () => {
    readonly settings: object;
    readonly parts: unknown;
    readonly state: string;
    readonly startedAt: number | undefined;
  };
}

const definition: Omit<MachineDefinition, 'disks'> = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222',
  nativeName: 'Web Server',
  cpuCount: 2,
  memoryBytes: 64 << 20,
  interfaces: [{ name: 'card', network: 'LAN' }],
  serial: false,
  rng: false,
};
const soon = () => AbortSignal.timeout(120_000);

/** A machine as people make it, running: its card is called as any, its notes are theirs, and the host starts it by itself. */
export async function strangersMachine(lab: HypervLab): Promise<Stranger> {
  const secret = Object.entries({ username: user.name, password: user.password }).map(([key, value]) => [key, Buffer.from(value)] as const);
  await using driver = await connect({ uri: lab.uri, credentials: new Credentials(secret) }, soon());
  const { words } = lab.simulator.host;
  const format = words.mode === 'v2' ? 'Vhdx' : 'Vhd';
  const root = await driver.volumes?.create({ pool: 'd:\\hyper-v' as PoolId, nativeName: 'root', format, sizeBytes: 8 << 20 }, soon());
  const mark = { owner: { cluster: 'c', namespace: 'n', name: 'web', uid: 'u' }, record: '' };
  const disks = [{ name: 'root', location: root?.location ?? '', format } as const];
  const id = await driver.machines.define({ ...definition, disks }, mark, soon());
  await driver.adoption?.release(id, mark.owner, soon());
  const native = lab.simulator.machineNamed(definition.nativeName);
  const card = native?.devices.find(({ values }) => values['ElementName'] === 'card');
  if (native === undefined || card === undefined) throw new Error('no machine with a card');
  native.replaceDevice(card, { ElementName: 'Network Adapter' });
  const notes = 'ask Ann\r\nbefore you touch it';
  const theirs = [words.mode === 'v2' ? [notes] : notes, words.mode === 'v2' ? '4' : '2'] as const;
  native.settings = { ...native.settings, Notes: theirs[0], AutomaticStartupAction: theirs[1] };
  await driver.power.start(id, { paused: false }, soon());
  return { native, theirs, seen: () => seenOf(native) };
}

function seenOf({ settings: { Notes: _, AutomaticStartupAction: __, ...settings }, devices, state, startedAt }: Machine) {
  const parts = devices.filter(({ className }) => className !== 'Msvm_MemorySettingData');
  return { settings, parts, state, startedAt };
}
