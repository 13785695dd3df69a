import type { MachineId, OwnerMark, SnapshotDefinition, Snapshots, SnapshotTree } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { mustBelongTo, noMachine } from './machines.js';
import { mustBeName, mustBeWritable } from './text.js';

type Host = FakeHost<Clock>;

function mustFind(host: Host, id: MachineId): FakeMachine {
  const machine = host.machines.get(id);
  if (machine === undefined) throw noMachine(id);
  return machine;
}

function list({ snapshots, currentSnapshot }: FakeMachine): SnapshotTree {
  const told = snapshots.map(({ snapshot }) => ({ ...snapshot, isCurrent: snapshot.id === currentSnapshot }));
  return { snapshots: structuredClone(told), isMerging: false };
}

function take(host: Host, machine: FakeMachine, { key, name, memory }: SnapshotDefinition): void {
  mustBeKey(key);
  mustBeName(name);
  if (machine.snapshots.some(({ snapshot }) => snapshot.key === key)) return;
  const { nativeName, configured, isOff, running } = machine;
  if (configured === undefined) throw new DriverError('Conflict', `machine "${nativeName}" has no definition`);
  const hasState = !isOff || running !== undefined;
  if (hasState) mustKnow(host, memory ? 'With' : 'Without');
  if (isOff && running !== undefined && !memory)
    throw new DriverError('Conflict', `machine "${nativeName}" is saved; memory: false given, true accepted`);
  const live = hasState && memory && running !== undefined ? { live: running } : {};
  machine.keep({
    snapshot: {
      ...{ id: `${machine.id}/${machine.taken++}`, key, name, memory: hasState && memory },
      ...{ takenAt: new Date(host.clock.now()).toISOString() },
      ...(machine.currentSnapshot === undefined ? {} : { parent: machine.currentSnapshot }),
    },
    ...structuredClone({ configured, ...live }),
  });
}

function mustKnow({ capabilities }: Host, word: 'With' | 'Without'): void {
  const values = capabilities.find(({ field }) => field === 'snapshots.memory')?.values ?? [];
  if (!values.includes(word))
    throw new DriverError('Unsupported', `memory: ${word === 'With'} given, this host accepts ${values.join(', ') || 'no snapshots'}`);
}

function mustBeKey(key: string): void {
  mustBeWritable(key);
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > 200 || /\p{Cc}/u.test(key))
    throw new DriverError('Invalid', `key: ${JSON.stringify(key)} given, 1 to 200 bytes without control characters accepted`);
}

function revert(machine: FakeMachine, key: string): void {
  const found = machine.snapshots.find(({ snapshot }) => snapshot.key === key);
  if (found === undefined) throw new DriverError('NotFound', `machine "${machine.nativeName}" has no snapshot "${key}"`);
  if (!machine.isOff) throw new DriverError('Conflict', `machine "${machine.nativeName}" is ${machine.power.state}, not Off`);
  machine.revert(found);
}

export function snapshotsOf(host: Host, connection: Connection): Snapshots {
  const ask = <T>(verb: keyof Snapshots, id: MachineId, signal: AbortSignal, act: () => T): Promise<T> => {
    const machine = host.machines.get(id);
    return connection.ask({ verb: `snapshots.${verb}`, of: machine?.nativeName ?? id, machine }, signal, act);
  };
  const owned = (id: MachineId, owner: OwnerMark): FakeMachine => {
    const machine = mustFind(host, id);
    mustBelongTo(machine, owner);
    return machine;
  };
  return {
    list: (id, signal) => ask('list', id, signal, () => list(mustFind(host, id))),
    take: (id, owner, wanted, signal) => ask('take', id, signal, () => take(host, owned(id, owner), wanted)),
    revert: (id, owner, key, signal) => ask('revert', id, signal, () => revert(owned(id, owner), key)),
    remove: (id, owner, key, signal) =>
      ask('remove', id, signal, () => {
        if (host.machines.has(id)) owned(id, owner).dropSnapshot(key);
      }),
  };
}
