import type { VirtualMachine, VirtualMachineAction, VirtualMachineActionStatus } from '#crds/types.js';
import { conditions, readiness, type Standing, timestamp } from '../conditions.js';
import type { MachineRecord } from '../virtual-machine/record.js';

/** What the machine's record says of an action; the record is where it is decided, this only tells. Pure. */
export function reportAction(
  action: VirtualMachineAction,
  machine: VirtualMachine | undefined,
  record: MachineRecord | undefined,
  now: number,
): VirtualMachineActionStatus {
  const { metadata, status: before } = action;
  const observedGeneration = metadata.generation;
  if (before?.outcome !== undefined) return { ...before, observedGeneration };
  const taken = record?.action?.uid === metadata.uid ? record.action : undefined;
  const gone = machine === undefined || machine.metadata.deletionTimestamp !== undefined;
  const outcome = taken?.outcome ?? (gone ? 'Failed' : undefined);
  const message = taken?.message ?? (gone ? `machine "${action.spec.machineRef.name}" was deleted` : undefined);
  return {
    observedGeneration,
    ...(before?.hypervisor === undefined ? {} : { hypervisor: before.hypervisor }),
    ...(taken === undefined
      ? before?.startedAt === undefined
        ? {}
        : { startedAt: before.startedAt }
      : { startedAt: timestamp(taken.at) }),
    ...(outcome === undefined ? {} : { outcome, finishedAt: timestamp(now) }),
    ...(message === undefined ? {} : { message }),
    conditions: conditions(before?.conditions, metadata.generation, now, readiness(stands(outcome, message, taken !== undefined))),
  };
}

function stands(outcome: 'Succeeded' | 'Failed' | undefined, message = '', taken: boolean): Standing {
  if (outcome === 'Succeeded') return { kind: 'ready', reason: 'Succeeded', message };
  if (outcome === 'Failed') return { kind: 'stalled', reason: 'Failed', message };
  return { kind: 'reconciling', reason: taken ? 'UnderWay' : 'Waiting', message: taken ? 'being carried out' : 'waits for its machine' };
}
