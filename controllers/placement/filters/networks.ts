import type { VirtualNetworkInstance } from '#crds/types.js';
import { isReady } from '../../conditions.js';
import { networksOf } from '../../stores.js';
import type { Filter } from './filter.js';

/** One that is not granted to the machine's namespace is not ready for it. */
export const networksHere: Filter = ({ machine, networkOn }, hypervisor) => {
  const name = networksOf(machine).find((network) => !isUsable(networkOn(network, hypervisor)));
  if (name === undefined) return undefined;
  return { reason: 'Network', message: `network "${name}" ${networkWords(networkOn(name, hypervisor))}` };
};

export const macAddresses: Filter = ({ duplicatesOn }, hypervisor) => {
  const [because] = duplicatesOn(hypervisor);
  return because === undefined ? undefined : { reason: 'DuplicateMacAddress', message: because };
};

const isUsable = (instance: VirtualNetworkInstance | undefined): boolean => instance !== undefined && isReady(instance);

function networkWords(instance: VirtualNetworkInstance | undefined): string {
  if (instance === undefined) return 'is not on this host';
  const ready = instance.status?.conditions?.find(({ type }) => type === 'Ready');
  return `is not ready here: ${ready?.message || ready?.reason || 'it has not been looked at yet'}`;
}
