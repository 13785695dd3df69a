import { type VirtualMachineAction, type VirtualMachineActionStatus, virtualMachines } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, readiness, timestamp } from '../conditions.js';
import { getNow } from '../kubernetes/now.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';

/** Gives an action to the agent of its machine's host; one whose machine is not there fails at once, for it was meant for now. */
export async function bindAction({ client, watched }: Binder, action: VirtualMachineAction, signal: AbortSignal): Promise<Outcome> {
  const { metadata, spec } = action;
  const before = { ...action.status, observedGeneration: metadata.generation };
  if (before.hypervisor !== undefined || before.outcome !== undefined) return { kind: 'converged' };
  const machine = watched.machines.store.get(`${metadata.namespace}/${spec.machineRef.name}`);
  const tell = (status: VirtualMachineActionStatus) => publishStatus({ client, ...watched.actions }, action, status, signal);
  const stands = (kind: 'reconciling' | 'stalled', reason: string, message: string) =>
    conditions(before.conditions, metadata.generation, Date.now(), readiness({ kind, reason, message }));
  const ref = { namespace: metadata.namespace, name: spec.machineRef.name };
  // Each kind has a watch of its own: that of machines may be behind that of actions.
  if (machine === undefined && (await getNow(client, virtualMachines, ref, signal)) !== undefined)
    return { kind: 'waiting', because: 'its machine is not seen yet' };
  if (machine === undefined) {
    const message = `there is no machine "${spec.machineRef.name}" in namespace "${metadata.namespace}"`;
    await tell({
      ...before,
      outcome: 'Failed',
      message,
      finishedAt: timestamp(Date.now()),
      conditions: stands('stalled', 'Failed', message),
    });
    return { kind: 'converged' };
  }
  const hypervisor = machine.status?.hypervisor;
  if (hypervisor === undefined) {
    await tell({ ...before, conditions: stands('reconciling', 'Waiting', 'its machine has no host yet') });
    return { kind: 'waiting', because: 'its machine has no host yet' };
  }
  await tell({ ...before, hypervisor, conditions: stands('reconciling', 'Waiting', 'waits for its machine') });
  return { kind: 'converged' };
}
