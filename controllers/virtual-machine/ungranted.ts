import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { mostGranted } from '../grants.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { ungrantedToContainer } from './container-grants.js';

/** What hosts reckon those as that say nothing. */
const usualShares = 100;

/** What a machine asks for of its host that its namespace may not have there, each in words. Looked up at every pass. */
export function ungrantedTo(
  machine: VirtualMachine,
  hypervisor: Hypervisor | undefined,
  namespaces: ReadonlyStore<Namespace>,
): readonly string[] {
  const shares = ungrantedShares(machine, hypervisor, namespaces);
  return [...(shares === undefined ? [] : [shares]), ...ungrantedToContainer(machine, hypervisor, namespaces)];
}

/** More than others have is taken from these. */
export function ungrantedShares(
  { metadata: { namespace }, spec: { cpu } }: VirtualMachine,
  hypervisor: Hypervisor | undefined,
  namespaces: ReadonlyStore<Namespace>,
): string | undefined {
  const { shares = 0 } = cpu;
  const most = mostGranted('cpuShares', hypervisor, namespace, namespaces) ?? usualShares;
  if (shares <= Math.max(most, usualShares)) return undefined;
  const host = hypervisor?.metadata.name ?? 'its host';
  const remedy = `ask for less, or set spec.grants[].cpuShares of Hypervisor "${host}"`;
  return `spec.cpu.shares: ${shares} given, ${host} grants at most ${most} to namespace "${namespace}"; ${remedy}`;
}
