import type { Hypervisor, HypervisorStatus, VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, isUnknown, readiness } from '../conditions.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';

/** While a host's agent is silent, the controller speaks for it, and says only that nobody knows. */
export type AgentIsSilent = (hypervisor: string) => boolean;

const recheckMs = 5_000;

export async function watchOver(
  { client, watched }: Binder,
  hypervisor: Hypervisor,
  silent: AgentIsSilent,
  signal: AbortSignal,
): Promise<Outcome> {
  const again: Outcome = { kind: 'progressing', recheckMs, because: 'its agent may fall silent' };
  if (!silent(hypervisor.metadata.name)) return again;
  const message = `the agent of ${hypervisor.metadata.name} does not renew its Lease; see that it runs`;
  const status: HypervisorStatus = {
    ...hypervisor.status,
    observedGeneration: hypervisor.metadata.generation,
    conditions: conditions(hypervisor.status?.conditions, hypervisor.metadata.generation, Date.now(), {
      ...readiness({ kind: 'unknown', reason: 'AgentSilent', message }),
      Connected: isUnknown('AgentSilent', message),
    }),
  };
  await publishStatus({ client, ...watched.hypervisors }, hypervisor, status, signal);
  for (const machine of watched.machines.store.byIndex('host', hypervisor.metadata.name))
    await sayUnknown({ client, watched }, machine, message, signal);
  return again;
}

async function sayUnknown(
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  machine: VirtualMachine,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, status: before } = machine;
  const generation = before?.observedGeneration ?? metadata.generation;
  const spoken = conditions(before?.conditions, generation, Date.now(), readiness({ kind: 'unknown', reason: 'AgentSilent', message }));
  const rest = (before?.conditions ?? []).filter(({ type }) => !spoken.some((one) => one.type === type));
  const status: VirtualMachineStatus = {
    ...before,
    printableStatus: 'Unknown',
    power: { state: 'Unknown', reason: 'Unknown' },
    conditions: [...spoken, ...rest],
  };
  await publishStatus({ client, ...watched.machines }, machine, status, signal);
}
