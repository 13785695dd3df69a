import { type Hypervisor, type HypervisorStatusOrphansObject, type VirtualMachineStatus, virtualMachines } from '#crds/types.js';
import type { Driver, Machine } from '#drivers/driver.js';
import type { HostView } from '../host/view.js';
import type { Client } from '../kubernetes/client.js';
import type { EventRecorder } from '../kubernetes/events.js';
import { getNow } from '../kubernetes/now.js';

type Orphan = HypervisorStatusOrphansObject;

export interface ReturningOptions {
  readonly client: Client;
  readonly name: string;
  /** What marks call this cluster. */
  readonly cluster: string;
  /** What was let go while the host was out of service, as its Hypervisor tells. */
  readonly orphans: () => readonly Orphan[];
  /** Told of each machine that ran and was cut off. */
  readonly onStopped: (nativeName: string) => void;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/**
 * Before anything else is done on a host that is reached again: machines of ours that were let go while it was out of service are cut off and
 * forgotten, as their disks may have another writer by now. Which those are the Hypervisor's status names; that they are not bound here again the
 * API server itself is asked. What is not named there is left alone, whatever else knows it: one host may go by two Hypervisors. Rejects when one
 * that must be off could not be cut: the host is not worked on then.
 */
export async function stopWhatWasLetGo(
  options: ReturningOptions,
  driver: Driver,
  view: Pick<HostView, 'machines' | 'dirtyMachine'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { machine, orphan, owner } of view.machines.flatMap((one) => orphaned(one, options))) {
    if ((await whereabouts(options, owner, signal)) === 'here') continue;
    view.dirtyMachine(machine.id);
    if (machine.power.state !== 'Off') {
      await driver.power.cut(machine.id, owner, signal);
      options.onStopped(machine.nativeName);
    }
    const keepState = orphan.reclaimPolicy === 'Retain';
    // A definition that the host does not give up, as for its snapshots, runs nothing by itself.
    await driver.machines.undefine(machine.id, owner, { keepState }, signal).catch((reason) => {
      if (signal.aborted) throw reason;
      options.onTrouble(`host ${options.name}: ${machine.nativeName} was let go, and its definition stays`, reason);
    });
  }
}

type Owner = NonNullable<Machine['mark']>['owner'];

function orphaned(machine: Machine, { cluster, orphans }: ReturningOptions) {
  const owner = machine.mark?.owner;
  const orphan = orphans().find(({ uid }) => uid === owner?.uid);
  return owner === undefined || owner.cluster !== cluster || orphan === undefined ? [] : [{ machine, orphan, owner }];
}

/** Where the object is that a machine was made for: an orphan may be bound here all the same, as it was never lost, or is back. */
export async function whereabouts(
  { client, name: host }: Pick<ReturningOptions, 'client' | 'name'>,
  { namespace, name, uid }: Pick<Owner, 'namespace' | 'name' | 'uid'>,
  signal: AbortSignal,
): Promise<'here' | 'elsewhere' | 'gone'> {
  const now = await getNow(client, virtualMachines, { namespace, name }, signal);
  if (now?.metadata.uid !== uid) return 'gone';
  return (now.status as VirtualMachineStatus | undefined)?.hypervisor === host ? 'here' : 'elsewhere';
}

/** As an event of the host: that a machine ran twice for a while is what somebody has to know. */
export const tellStopped =
  (recorder: EventRecorder, hypervisor: () => Hypervisor | undefined) =>
  (nativeName: string): void => {
    const about = hypervisor();
    const note = `${nativeName} ran here still, after it was let go, and was cut off; see whether its disks had two writers`;
    if (about !== undefined) recorder.record(about, { type: 'Warning', reason: 'OrphanRan', note });
  };
