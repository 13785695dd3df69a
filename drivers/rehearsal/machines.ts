import type {
  Adoption,
  Live,
  Machine,
  MachineDefinition,
  MachineId,
  MachineShape,
  Machines,
  Mark,
  Part,
  Power,
  PowerState,
} from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner, sameOwner } from '#drivers/owner.js';
import type { Ask } from './ask.js';
import type { RehearsedHost } from './host.js';

const named = <T extends { readonly name: string }>(has: readonly T[] | undefined, asked: readonly T[] | undefined): readonly T[] =>
  (asked ?? []).map((one) => ({ ...has?.find(({ name }) => name === one.name), ...one }));

/** What nobody speaks of stays as the machine has it. What the host would choose for the rest nobody knows before. */
function shapeOf(has: MachineShape | undefined, { uuid: _, nativeName: __, ...asked }: MachineDefinition): MachineShape {
  const { maxCpuCount, maxMemoryBytes, minMemoryBytes, firmware, secureBoot, bootOrder, vsphere, hyperv, xen, uses, screen, graphics } =
    has ?? asked;
  const most = { ...(maxCpuCount === undefined ? {} : { maxCpuCount: Math.max(maxCpuCount, asked.cpuCount) }) };
  const mostMemory = maxMemoryBytes === undefined ? {} : { maxMemoryBytes: Math.max(maxMemoryBytes, asked.memoryBytes) };
  const leastMemory = minMemoryBytes === undefined ? {} : { minMemoryBytes: Math.min(minMemoryBytes, asked.memoryBytes) };
  const kept = defined({ firmware, secureBoot, bootOrder, vsphere, xen, uses, screen });
  const { memoryBufferPercent } = { ...hyperv, ...asked.hyperv };
  const { comPorts } = asked.hyperv ?? {};
  const words = defined({ memoryBufferPercent, comPorts });
  return {
    ...kept,
    ...most,
    ...mostMemory,
    ...leastMemory,
    ...asked,
    ...(asked.seed === undefined ? {} : { seed: { kind: asked.seed.kind, location: asked.seed.location } }),
    ...(Object.keys(words).length === 0 ? {} : { hyperv: words }),
    disks: named(has?.disks, asked.disks),
    cdroms: named(has?.cdroms, asked.cdroms),
    interfaces: named(has?.interfaces, asked.interfaces),
    ...(asked.graphics === undefined ? {} : { graphics: { ...graphics, ...asked.graphics } }),
  };
}

const defined = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

export function machinesOf(host: RehearsedHost, ask: Ask): Machines {
  const nameOf = (id: MachineId) => host.machines.get(id)?.nativeName ?? id;
  return {
    list: async () => [...host.machines.values()],
    read: async (ids) => ({ machines: ids.flatMap((id) => host.machines.get(id) ?? []), unread: [] }),
    define: (definition, mark) => ask('machines.define', definition.nativeName, () => define(host, definition, mark)),
    mark: (id, mark, from) => ask('machines.mark', nameOf(id), () => remark(host, id, mark, from)),
    undefine: (id, owner) =>
      ask('machines.undefine', nameOf(id), () => {
        const machine = host.machines.get(id);
        if (machine === undefined) return;
        assertOwner(machine.nativeName, machine.mark, owner);
        if (machine.power.state !== 'Off') throw new DriverError('Conflict', `machine "${machine.nativeName}" is not Off`);
        host.machines.delete(id);
      }),
  };
}

function define(host: RehearsedHost, definition: MachineDefinition, mark: Mark): MachineId {
  const uuid = definition.uuid.toLowerCase();
  const machines = [...host.machines.values()];
  const machine = machines.find((one) => one.uuid === uuid) ?? machines.find((one) => one.nativeName === definition.nativeName);
  if (machine !== undefined) assertOwner(machine.nativeName, machine.mark, mark.owner);
  const configured = shapeOf(machine?.configured ?? machine?.live, definition);
  // Where a host's ids are not uuids, only it knows them.
  const id = machine?.id ?? (uuid as MachineId);
  const off: PowerState = { state: 'Off', reason: 'Unknown' };
  const { nativeName } = definition;
  host.machines.set(id, { id, uuid, nativeName, power: off, hardware: {}, ...machine, configured, mark });
  return id;
}

function remark(host: RehearsedHost, id: MachineId, mark: Mark, from: Mark['owner'] | undefined): void {
  const machine = host.machine(id);
  const isFrom = from === undefined ? machine.mark === undefined : machine.mark !== undefined && sameOwner(machine.mark.owner, from);
  if (!isFrom) assertOwner(machine.nativeName, machine.mark, mark.owner);
  host.changeMachine(id, { mark });
}

export const adoptionOf = (host: RehearsedHost, ask: Ask): Adoption => ({
  adopt: (id, mark) =>
    ask('adoption.adopt', host.machines.get(id)?.nativeName ?? id, () => {
      const { found, ...machine } = host.machine(id);
      if (machine.mark !== undefined) assertOwner(machine.nativeName, machine.mark, mark.owner);
      const named = found === undefined ? {} : { configured: found.shape, ...(machine.live === undefined ? {} : { live: found.shape }) };
      host.machines.set(id, { ...machine, ...named, mark });
    }),
  release: (id, owner) =>
    ask('adoption.release', host.machines.get(id)?.nativeName ?? id, () => {
      const { mark, ...machine } = host.machine(id);
      if (mark !== undefined) assertOwner(machine.nativeName, mark, owner);
      host.machines.set(id, machine);
    }),
});

/** Every guest does at once what is asked of it. */
export function powerOf(host: RehearsedHost, ask: Ask): Power {
  const change = (verb: string, id: MachineId, how: (machine: Machine) => void) =>
    ask(`power.${verb}`, host.machines.get(id)?.nativeName ?? id, () => how(host.machine(id)));
  const off = (id: MachineId, reason: PowerState['reason']) => {
    const { live: _, ...machine } = host.machine(id);
    if (machine.configured === undefined) host.machines.delete(id);
    else host.machines.set(id, { ...machine, power: { state: 'Off', reason } });
  };
  const set = (id: MachineId, state: PowerState['state'], reason: PowerState['reason']) =>
    host.changeMachine(id, { power: { state, reason } });
  return {
    start: (id, { paused }) =>
      change('start', id, ({ configured, power }) => {
        if (power.state !== 'Off') return;
        host.changeMachine(id, configured === undefined ? {} : { live: configured });
        set(id, paused ? 'Paused' : 'On', paused ? 'StartingUp' : 'Booted');
      }),
    press: (id) => change('press', id, () => off(id, 'Guest')),
    cut: (id) => change('cut', id, ({ power }) => power.state !== 'Off' && off(id, 'Cut')),
    reset: (id) => change('reset', id, () => {}),
    pause: (id) => change('pause', id, () => set(id, 'Paused', 'User')),
    save: (id) => change('save', id, () => off(id, 'Saved')),
    resume: (id) => change('resume', id, () => set(id, 'On', 'Booted')),
  };
}

export const liveOf = (host: RehearsedHost, ask: Ask): Live => ({
  apply: (id, _owner, part) =>
    ask('live.apply', `${host.machines.get(id)?.nativeName ?? id} ${part.kind}${'name' in part ? ` ${part.name}` : ''}`, () => {
      const { live, configured } = host.machine(id);
      if (live !== undefined && configured !== undefined) host.changeMachine(id, { live: brought(live, configured, part) });
    }),
});

function brought(live: MachineShape, configured: MachineShape, part: Part): MachineShape {
  switch (part.kind) {
    case 'cpu':
      return { ...live, cpuCount: configured.cpuCount };
    case 'memory':
      return { ...live, memoryBytes: configured.memoryBytes };
    case 'cpuShares':
    case 'containerLimits':
      return { ...configured, cpuCount: live.cpuCount, memoryBytes: live.memoryBytes, disks: live.disks, interfaces: live.interfaces };
    case 'graphics':
      return configured.graphics === undefined ? live : { ...live, graphics: configured.graphics };
    case 'disk':
      return { ...live, disks: one(live.disks, configured.disks, part.name), cdroms: one(live.cdroms, configured.cdroms, part.name) };
    case 'interface':
      return { ...live, interfaces: one(live.interfaces, configured.interfaces, part.name) };
  }
}

const one = <T extends { readonly name: string }>(live: readonly T[] = [], configured: readonly T[] = [], name: string): readonly T[] => [
  ...live.filter((each) => each.name !== name),
  ...configured.filter((each) => each.name === name),
];
