import { type VirtualMachineAction, type VirtualMachineStatus, virtualMachineActions, virtualMachines } from '#crds/types.js';
import { ApiError } from '../kubernetes/client.js';
import { getNow } from '../kubernetes/now.js';
import type { Queue } from '../kubernetes/queue.js';
import { createLoop, publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import type { MachineRecord } from '../virtual-machine/record.js';
import { decodeRecord } from '../virtual-machine/record-text.js';
import { reportAction } from '../virtual-machine-action/report.js';
import type { Surroundings } from './loops.js';

/** Tells of actions what their machines' records say, and deletes them when their time is up. What is done, the machine's own loop does. */
export function actionLoop(surroundings: Surroundings): Queue {
  const { client, watched, metrics, onTrouble } = surroundings;
  const pass = async (action: VirtualMachineAction, signal: AbortSignal): Promise<Outcome> => {
    const machine = watched.machines.store.get(`${action.metadata.namespace}/${action.spec.machineRef.name}`);
    if (machine === undefined && (await comesYet(action, surroundings, signal)))
      return { kind: 'waiting', because: 'its machine is not seen yet' };
    const status = reportAction(action, machine, recordOf(action, surroundings), Date.now());
    const told = await publishStatus({ client, ...watched.actions }, action, status, signal);
    return finish(told, surroundings, signal);
  };
  return createLoop({
    store: watched.actions.store,
    workers: 4,
    pass,
    onError: (key, error) => onTrouble(`VirtualMachineAction ${key}`, error),
    observer: metrics.queue('virtualmachineactions'),
  });
}

/** Each kind has a watch of its own: that of machines may be behind that of actions, and the machine is there, here or on no host yet. */
async function comesYet(
  { metadata, spec, status }: VirtualMachineAction,
  { client, host }: Surroundings,
  signal: AbortSignal,
): Promise<boolean> {
  if (status?.outcome !== undefined) return false;
  const machine = await getNow(client, virtualMachines, { namespace: metadata.namespace, name: spec.machineRef.name }, signal);
  const bound = (machine?.status as VirtualMachineStatus | undefined)?.hypervisor;
  return machine !== undefined && (bound === undefined || bound === host.name);
}

function recordOf({ metadata, spec }: VirtualMachineAction, { host, watched }: Surroundings): MachineRecord | undefined {
  const uid = watched.machines.store.get(`${metadata.namespace}/${spec.machineRef.name}`)?.metadata.uid;
  const machine = host.connected?.view.machines.find(({ mark }) => mark?.owner.uid === uid && mark?.owner.cluster === host.cluster);
  return machine?.mark === undefined ? undefined : decodeRecord(machine.mark.record);
}

async function finish({ metadata, spec, status }: VirtualMachineAction, { client }: Surroundings, signal: AbortSignal): Promise<Outcome> {
  const { ttlSecondsAfterFinished } = spec;
  if (status?.finishedAt === undefined || ttlSecondsAfterFinished === undefined) return { kind: 'converged' };
  const left = Date.parse(status.finishedAt) + ttlSecondsAfterFinished * 1_000 - Date.now();
  if (left > 0) return { kind: 'progressing', recheckMs: left, because: 'it is deleted when its time is up' };
  await client.delete(virtualMachineActions, metadata, { uid: metadata.uid }, signal).catch((reason) => {
    if (!(reason instanceof ApiError) || reason.reason !== 'NotFound') throw reason;
  });
  return { kind: 'converged' };
}
