import { isDeepStrictEqual } from 'node:util';
import type { Draft, Drafts, MachineDefinition, MachineId, Machines, Mark, OwnerMark, Readings } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { chosen, mustFit } from './capabilities.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { canonicalUuid, mustBeInterfaces, mustBeMark, mustBeName, mustBeWritable, sameOwner } from './text.js';

type Host = FakeHost<Clock>;

export const noMachine = (id: MachineId): DriverError => new DriverError('NotFound', `no machine ${id} on this host`);

export function mustRun(host: Host, id: MachineId): FakeMachine {
  const machine = host.machines.get(id);
  if (machine === undefined) throw noMachine(id);
  if (machine.isOff) throw new DriverError('Conflict', `machine "${machine.nativeName}" is Off`);
  return machine;
}

export function mustBelongTo({ nativeName, mark }: FakeMachine, owner: OwnerMark): void {
  if (sameOwner(mark?.owner, owner)) return;
  const whose = mark === undefined ? 'nobody of ours' : `${mark.owner.namespace}/${mark.owner.name} of ${mark.owner.cluster}`;
  throw new DriverError('NotOurs', `machine "${nativeName}" belongs to ${whose}`);
}

/** Notices that it was looked at, then tells: a guest that counts looks may be off now, or gone. */
const look = (host: Host, found: readonly FakeMachine[]): readonly FakeMachine[] => {
  for (const machine of found) machine.looked();
  return found.filter(({ id }) => host.machines.has(id));
};

function read(host: Host, ids: readonly MachineId[]): Readings {
  const found = look(
    host,
    ids.flatMap((id) => host.machines.get(id) ?? []),
  );
  return {
    machines: found.filter(({ guest }) => guest.unreadable === undefined).map((machine) => machine.machine()),
    unread: found.flatMap((machine) => {
      const reason = machine.guest.unreadable;
      return reason === undefined ? [] : [{ glance: machine.glance(), reason }];
    }),
  };
}

function existingOrNew(host: Host, { uuid, nativeName }: MachineDefinition, { owner }: Mark): FakeMachine {
  const existing = host.byUuid(uuid);
  if (existing !== undefined) {
    mustBelongTo(existing, owner);
    return existing;
  }
  const namesake = host.byName(nativeName);
  if (namesake === undefined) return host.add(canonicalUuid(uuid), nativeName);
  mustBelongTo(namesake, owner);
  throw new DriverError('Conflict', `native name "${nativeName}" is taken by the machine ${namesake.uuid} of the same owner`);
}

function mustBeTakeable(host: Host, definition: MachineDefinition, mark: Mark): void {
  canonicalUuid(definition.uuid);
  mustBeName(definition.nativeName);
  mustBeWritable(definition);
  mustBeMark(mark);
  mustBeInterfaces(definition.interfaces);
  mustFit(definition, host.capabilities);
}

/** Its own words are the API's. */
function draft(host: Host, definition: MachineDefinition, mark: Mark): Draft {
  mustBeTakeable(host, definition, mark);
  const existing = host.byUuid(definition.uuid);
  if (existing !== undefined) mustBelongTo(existing, mark.owner);
  const has = existing?.configured ?? existing?.live;
  const shape = chosen(definition, has, () => 'the-next');
  const { graphics, ...rest } = shape;
  const shown = graphics?.password === undefined ? shape : { ...rest, graphics: { ...graphics, password: '***' } };
  return {
    format: 'JSON',
    text: `${JSON.stringify(shown, undefined, 2)}\n`,
    exists: existing !== undefined,
    unchanged: isDeepStrictEqual([shape, mark], [existing?.configured, existing?.mark]),
  };
}

export const draftsOf = (host: Host, connection: Connection): Drafts => ({
  machine: (definition, mark, signal) =>
    connection.ask({ verb: 'drafts.machine', of: definition.nativeName }, signal, () => draft(host, definition, mark)),
});

/** Content is compared each time that it comes, as the machine's own may have been taken away. */
function carry(host: Host, { seed }: MachineDefinition, { uuid, nativeName, configured }: FakeMachine): void {
  if (seed === undefined) host.carried.delete(uuid);
  if (seed === undefined || !host.carries(seed.kind)) return;
  if (seed.content !== undefined) host.carried.set(uuid, Uint8Array.from(seed.content));
  else if (configured?.seed?.location !== seed.location)
    throw new DriverError(
      'Invalid',
      `seed: ${seed.location} was given without its content, and machine "${nativeName}" has another, or none`,
    );
}

function define(host: Host, definition: MachineDefinition, mark: Mark): MachineId {
  mustBeTakeable(host, definition, mark);
  const machine = existingOrNew(host, definition, mark);
  carry(host, definition, machine);
  const shape = chosen(definition, machine.configured ?? machine.live, () => host.newMacAddress());
  if (!isDeepStrictEqual([shape, mark], [machine.configured, machine.mark])) machine.write(shape, structuredClone(mark));
  return machine.id;
}

function remark(host: Host, id: MachineId, mark: Mark, from: OwnerMark | undefined): void {
  mustBeMark(mark);
  const machine = host.machines.get(id);
  if (machine === undefined) throw noMachine(id);
  if (!sameOwner(machine.mark?.owner, from)) mustBelongTo(machine, mark.owner);
  if (!isDeepStrictEqual(mark, machine.mark)) machine.remark(structuredClone(mark));
}

function undefine(host: Host, id: MachineId, owner: OwnerMark): void {
  const machine = host.machines.get(id);
  if (machine === undefined) return;
  mustBelongTo(machine, owner);
  if (!machine.isOff) throw new DriverError('Conflict', `machine "${machine.nativeName}" is ${machine.power.state}, not Off`);
  host.vanished(machine);
  host.changed(machine);
}

export function machinesOf(host: Host, connection: Connection): Machines {
  const of = (id: MachineId) => host.machines.get(id)?.nativeName ?? id;
  const machineOf = (id: MachineId) => host.machines.get(id);
  return {
    list: (signal) =>
      connection.ask({ verb: 'machines.list' }, signal, () => look(host, [...host.machines.values()]).map((machine) => machine.glance())),
    read: (ids, signal) => connection.ask({ verb: 'machines.read', of: String(ids.length) }, signal, () => read(host, ids)),
    define: (definition, mark, signal) =>
      connection.ask({ verb: 'machines.define', of: definition.nativeName, machine: host.byUuid(definition.uuid) }, signal, () =>
        define(host, definition, mark),
      ),
    mark: (id, mark, from, signal) =>
      connection.ask({ verb: 'machines.mark', of: of(id), machine: machineOf(id) }, signal, () => remark(host, id, mark, from)),
    undefine: (id, owner, _options, signal) =>
      connection.ask({ verb: 'machines.undefine', of: of(id), machine: machineOf(id) }, signal, () => undefine(host, id, owner)),
  };
}
