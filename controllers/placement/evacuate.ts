import { isDeepStrictEqual } from 'node:util';
import type { Hypervisor, HypervisorStatus, VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { isReady } from '../conditions.js';
import type { EventText } from '../kubernetes/events.js';
import { again, type Queue } from '../kubernetes/queue.js';
import { latest } from '../kubernetes/store.js';
import { publishStatus } from '../loop.js';
import type { Choice } from './choose.js';
import { evacuationOf, maintenanceOf } from './evacuation.js';
import { takesMachines } from './takes-machines.js';
import { unbound } from './unbind.js';

/**
 * Asks a machine's host to let go of it, takes that back, or says why it stays. The request keeps room on the host that it would go to. Only
 * the machine as it was seen is written to: whether its host has let go of it meanwhile is never overlooked.
 */
export async function askToLeave(
  { client, watched, ledger, recorder }: Binder,
  machine: VirtualMachine,
  hypervisor: Hypervisor,
  choice: () => Choice,
  signal: AbortSignal,
): Promise<VirtualMachine> {
  const { evacuation: before, ...rest } = machine.status ?? {};
  const stillSuits = (name = '') => {
    const there = watched.hypervisors.store.get(name);
    return there !== undefined && takesMachines(there);
  };
  const evacuation = evacuationOf(machine, hypervisor, { choice, stillSuits }, Date.now());
  if (isDeepStrictEqual(before, evacuation)) return machine;
  const status: VirtualMachineStatus = { ...rest, ...(evacuation === undefined ? {} : { evacuation }) };
  // From the choice on, as for any machine; once it is written, the ledger reads it there.
  const reservation = evacuation?.to === undefined ? undefined : ledger.reserve(machine, evacuation.to);
  try {
    const told = await publishStatus({ client, ...watched.machines }, machine, status, signal);
    if (evacuation !== undefined && (before === undefined || evacuation.reason !== before.reason))
      recorder.record(machine, eventOf(evacuation));
    return told;
  } finally {
    reservation?.release();
  }
}

const eventOf = ({ from, to, reason, message = '' }: NonNullable<VirtualMachineStatus['evacuation']>): EventText =>
  reason === undefined
    ? { type: 'Normal', reason: 'Evacuating', note: `${from} is to be emptied: it goes to ${to}` }
    : { type: 'Warning', reason: 'CannotLeave', note: `${from} is to be emptied, and it stays: ${message}` };

export const hasLeft = ({ status }: VirtualMachine): boolean =>
  status?.hypervisor !== undefined && status.hypervisor === status.evacuation?.from && status.evacuation.leftAt !== undefined;

/** Takes the binding off a machine that its host has let go of: it is one without a host then, and room is kept for it where it would go. */
export async function unbind({ client, watched }: Binder, machine: VirtualMachine, signal: AbortSignal): Promise<VirtualMachine> {
  const { from = '' } = machine.status?.evacuation ?? {};
  const status: VirtualMachineStatus = {
    ...unbound(machine, 'Evacuating', `it has left ${from}, and gets another host`, Date.now()),
    power: { state: 'Stopped', reason: 'Unknown' },
  };
  return publishStatus({ client, ...watched.machines }, machine, status, signal);
}

/** Tells on the Hypervisor how far its evacuation is. */
export async function tellMaintenance({ client, watched }: Binder, hypervisor: Hypervisor, signal: AbortSignal): Promise<Hypervisor> {
  const { maintenance: _, ...rest } = hypervisor.status ?? {};
  const maintenance = maintenanceOf(hypervisor, watched.machines.store.byIndex('host', hypervisor.metadata.name));
  const status: HypervisorStatus = { ...rest, ...(maintenance === undefined ? {} : { maintenance }) };
  return publishStatus({ client, ...watched.hypervisors }, hypervisor, status, signal);
}

interface Loops {
  readonly machines: Queue;
  readonly volumes: Queue;
  readonly hypervisors: Queue;
}

/** Machines and volumes look again when the maintenance of their host changes, and hosts when one of their machines is to go, or gone. */
export function followMaintenance(loops: Loops, { hypervisors, machines, volumes }: Binder['watched']): void {
  hypervisors.store.subscribe((change) => {
    const [now, before] = [latest(change), change.kind === 'updated' ? change.previous : undefined];
    const isOther = now.spec.maintenance !== before?.spec.maintenance;
    if (isOther) again(loops.machines, machines.store.byIndex('host', now.metadata.name));
    // Machines that are to go are woken with those that have no host.
    if (!isOther && before !== undefined && isReady(now) === isReady(before)) return;
    for (const { metadata, spec } of hypervisors.store.list())
      if (spec.maintenance === 'Evacuate') again(loops.volumes, volumes.store.byIndex('host', metadata.name));
  });
  machines.store.subscribe((change) => {
    const seen = [change.kind === 'deleted' ? undefined : change.object, change.kind === 'added' ? undefined : change.previous];
    for (const host of new Set(seen.map((one) => one?.status?.hypervisor)))
      if (host !== undefined && hypervisors.store.get(host)?.spec.maintenance === 'Evacuate') loops.hypervisors.add(host);
  });
}
