import type { Capability, Network } from '#drivers/driver.js';
import { type Asked, describeUnfit, unfit } from '../fit.js';
import { type Plan, refuse, wait } from '../plan.js';

export interface DesiredNetwork {
  readonly want: 'present' | 'absent';
  readonly host: string;
  readonly namespace: string;
  readonly nativeName: string;
  /** Native names that the Hypervisor grants to the namespace. */
  readonly granted: readonly string[];
  /** Machines that are attached to it. */
  readonly machines: readonly string[];
  readonly capabilities: readonly Capability[];
}

export interface ObservedNetwork {
  readonly network?: Network;
}

/** What a network asks of its host. */
export const askedOfNetwork: Asked = { field: 'networks.existing', path: 'spec.existing' };

/** Nothing is ever done to a network that was there before: it suits, or it is said why not. */
export function planNetwork(desired: DesiredNetwork, { network }: ObservedNetwork): Plan<never> {
  const { want, host, namespace, nativeName, granted, machines, capabilities } = desired;
  if (want === 'absent')
    return machines.length === 0 ? [] : [wait('InUse', `machines are attached to it: ${machines.slice(0, 3).join(', ')}`, 30_000)];
  const misfits = unfit([askedOfNetwork], capabilities);
  if (misfits.length > 0) return misfits.map((misfit) => refuse('Unfit', describeUnfit(misfit, host)));
  if (!granted.includes(nativeName)) {
    const remedy = `name it in spec.grants[].networks of Hypervisor "${host}"`;
    return [refuse('NotGranted', `namespace "${namespace}" may not use network ${nativeName} of ${host}; ${remedy}`)];
  }
  // The host's other networks are none of this namespace's business.
  if (network === undefined) return [refuse('NotFound', `${host} has no network called ${nativeName}; make it there`)];
  return network.active ? [] : [refuse('Inactive', `network ${nativeName} on ${host} is not active; start it there`)];
}
