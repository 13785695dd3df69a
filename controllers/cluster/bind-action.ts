import { type VirtualMachine, type VirtualMachineAction, type VirtualMachineActionStatus, virtualMachines } from '#crds/types.js';
import type { Binder, ClusterWatches } from '../binder.js';
import { conditions, readiness, timestamp } from '../conditions.js';
import { getNow } from '../kubernetes/now.js';
import { publishStatus } from '../loop.js';
import { isLetGo } from '../out-of-service.js';
import type { Outcome } from '../reconcile.js';

/** Gives an action to the agent of its machine's host; one whose machine is not there fails at once, for it was meant for now. */
export async function bindAction({ client, watched }: Binder, action: VirtualMachineAction, signal: AbortSignal): Promise<Outcome> {
  const { metadata, spec } = action;
  const before = { ...action.status, observedGeneration: metadata.generation };
  if (before.outcome !== undefined) return { kind: 'converged' };
  const machine = watched.machines.store.get(`${metadata.namespace}/${spec.machineRef.name}`);
  const given = before.hypervisor;
  if (given !== undefined && !isLeft(given, machine, watched)) return { kind: 'converged' };
  const tell = (status: VirtualMachineActionStatus) => publishStatus({ client, ...watched.actions }, action, status, signal);
  const stands = (kind: 'reconciling' | 'stalled', reason: string, message: string) =>
    conditions(before.conditions, metadata.generation, Date.now(), readiness({ kind, reason, message }));
  const fail = (message: string) =>
    tell({
      ...before,
      outcome: 'Failed',
      message,
      finishedAt: timestamp(Date.now()),
      conditions: stands('stalled', 'Failed', message),
    });
  if (given !== undefined) {
    await fail(`its machine left ${given} before anybody told that it was done; make a new one if it is still wanted`);
    return { kind: 'converged' };
  }
  const ref = { namespace: metadata.namespace, name: spec.machineRef.name };
  // Each kind has a watch of its own: that of machines may be behind that of actions.
  if (machine === undefined && (await getNow(client, virtualMachines, ref, signal)) !== undefined)
    return { kind: 'waiting', because: 'its machine is not seen yet' };
  if (machine === undefined) {
    await fail(`there is no machine "${spec.machineRef.name}" in namespace "${metadata.namespace}"`);
    return { kind: 'converged' };
  }
  const hypervisor = machine.status?.hypervisor;
  const isOnItsWay = machine.status?.evacuation?.requestedAt !== undefined;
  if (hypervisor === undefined || isOnItsWay) {
    const because = isOnItsWay ? `its machine leaves ${hypervisor}` : 'its machine has no host yet';
    await tell({ ...before, conditions: stands('reconciling', 'Waiting', because) });
    return { kind: 'waiting', because };
  }
  await tell({ ...before, hypervisor, conditions: stands('reconciling', 'Waiting', 'waits for its machine') });
  return { kind: 'converged' };
}

/**
 * Whether its machine went from the host whose agent has it, by whatever way. What that agent did of it nobody else knows, so nobody else does it
 * again. One that is on its way has no host yet.
 */
function isLeft(given: string, machine: VirtualMachine | undefined, { hypervisors }: ClusterWatches): boolean {
  if (machine !== undefined) return machine.status?.hypervisor !== undefined && machine.status.hypervisor !== given;
  const host = hypervisors.store.get(given);
  return host !== undefined && isLetGo(host);
}
