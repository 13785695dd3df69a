import type { Live, MachineShape, Part } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { mustBelongTo, noMachine } from './machines.js';

type Host = FakeHost<Clock>;

/** As libvirt: what has a name is compared as a whole, and what the host does not let change refuses itself. */
function apply(host: Host, machine: FakeMachine, part: Part): void {
  const { live, configured } = machine;
  if (live === undefined) throw new DriverError('Conflict', `machine "${machine.nativeName}" is Off`);
  if (configured === undefined) return;
  if (part.kind === 'disk' || part.kind === 'interface') applyNamed(host, machine, part);
  else if (part.kind === 'graphics') applyGraphics(machine, configured);
  else if (part.kind === 'cpuShares') applyShares(machine, configured);
  else if (part.kind === 'containerLimits') applyLimits(machine, configured);
  else if (part.kind === 'cpu') {
    mustHaveRoom('cpu.count', configured.cpuCount, live.maxCpuCount ?? live.cpuCount);
    machine.change((now) => resized(now, configured), { takes: configured.cpuCount < live.cpuCount });
  } else {
    mustHaveRoom('memory.size', configured.memoryBytes, live.maxMemoryBytes ?? live.memoryBytes);
    machine.change((now) => ballooned(now, configured), { takes: configured.memoryBytes < live.memoryBytes });
  }
}

function applyShares(machine: FakeMachine, { cpuShares }: MachineShape): void {
  if (cpuShares !== undefined) machine.change((live) => ({ ...live, cpuShares }), { takes: false });
}

function applyLimits(machine: FakeMachine, { container: wanted }: MachineShape): void {
  const limits = wanted?.limits ?? {};
  machine.change((live) => (live.container === undefined ? live : { ...live, container: { ...live.container, limits } }), { takes: false });
}

/** The server asks new viewers for the new password; it neither comes nor goes. */
function applyGraphics(machine: FakeMachine, { graphics: wanted }: MachineShape): void {
  const has = machine.live?.graphics;
  if ((has === undefined) !== (wanted === undefined))
    throw new DriverError('Unsupported', 'devices.graphics: comes and goes only with the machine off');
  if (wanted !== undefined) machine.change((live) => ({ ...live, graphics: structuredClone(wanted) }), { takes: false });
}

function mustHaveRoom(field: string, given: number, most: number): void {
  if (given > most) throw new DriverError('Invalid', `${field}: ${given} given, this machine was started with at most ${most}`);
}

const resized = ({ maxCpuCount, ...live }: MachineShape, { cpuCount }: MachineShape): MachineShape => {
  const most = maxCpuCount ?? live.cpuCount;
  return { ...live, cpuCount, ...(most > cpuCount ? { maxCpuCount: most } : {}) };
};

const ballooned = ({ maxMemoryBytes, ...live }: MachineShape, { memoryBytes }: MachineShape): MachineShape => {
  const most = maxMemoryBytes ?? live.memoryBytes;
  return { ...live, memoryBytes, ...(most > memoryBytes ? { maxMemoryBytes: most } : {}) };
};

/** What has a name, in the running machine or in its definition. */
type Device = { readonly name: string };

type List = 'disks' | 'cdroms' | 'interfaces';
const listsOf = { disk: ['disks', 'cdroms'], interface: ['interfaces'] } as const;

const devicesIn = (shape: MachineShape, list: List): readonly Device[] => shape[list] ?? [];

function applyNamed(host: Host, machine: FakeMachine, { kind, name }: Extract<Part, Device>): void {
  const find = (shape: MachineShape | undefined, list: List) =>
    (shape && devicesIn(shape, list).find((one) => one.name === name)) ?? undefined;
  const list = listsOf[kind].find((one) => find(machine.live, one) ?? find(machine.configured, one)) ?? 'disks';
  const [has, wanted] = [find(machine.live, list), find(machine.configured, list)];
  if (has !== undefined && wanted !== undefined) mustBeChangeable(host, list, has, wanted);
  else mustBePluggable(host, list, has ?? wanted);
  if (kind === 'disk') host.mustHaveDisksOf(machine);
  else host.mustHaveNetworksOf(machine);
  const become = (live: MachineShape): MachineShape => {
    const others = devicesIn(live, list).filter((one) => one.name !== name);
    return structuredClone({ ...live, [list]: wanted === undefined ? others : [...others, wanted] });
  };
  machine.change(become, { takes: wanted === undefined });
}

function mustBePluggable(host: Host, list: List, one: object | undefined): void {
  const given = one === undefined ? undefined : 'bus' in one ? String(one.bus) : 'model' in one ? String(one.model) : undefined;
  const { change, values } = host.capabilities.find(({ field }) => field === list) ?? {};
  if (change === undefined || (values !== undefined && given !== undefined && !values.includes(given)))
    throw new DriverError(
      'Unsupported',
      `${list}: ${given ?? 'one'} given, this host plugs ${values?.join(', ') ?? 'none'} while a machine runs`,
    );
}

const fieldOf = (list: List, key: string): string => (list === 'cdroms' ? `disks.${key === 'location' ? 'cdrom' : key}` : `${list}.${key}`);

function mustBeChangeable(host: Host, list: List, has: Device, wanted: Device): void {
  const [before, after] = [new Map<string, unknown>(Object.entries(has)), new Map<string, unknown>(Object.entries(wanted))];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const field = fieldOf(list, key);
    const changes = host.capabilities.some((one) => one.field === field && one.change !== undefined);
    if (JSON.stringify(before.get(key)) !== JSON.stringify(after.get(key)) && !changes)
      throw new DriverError('Unsupported', `${field}: changes only with the machine off`);
  }
}

export function liveOf(host: Host, connection: Connection): Live {
  return {
    apply: (id, owner, part, signal) => {
      const machine = host.machines.get(id);
      return connection.ask({ verb: 'live.apply', of: machine?.nativeName ?? id, machine }, signal, () => {
        const now = host.machines.get(id);
        if (now === undefined) throw noMachine(id);
        mustBelongTo(now, owner);
        apply(host, now, part);
      });
    },
  };
}
