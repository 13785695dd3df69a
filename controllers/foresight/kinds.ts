import { hypervisors, storagePools, storageVolumes, virtualMachineActions, virtualMachines, virtualNetworks } from '#crds/types.js';
import type { Resource } from '../kubernetes/resource.js';
import { namespaces } from '../namespaces.js';
import { secrets } from '../secrets.js';

/** What one host can be made of, in the order in which it is applied and told of. */
export const kinds: readonly Resource[] = [
  namespaces,
  secrets,
  hypervisors,
  storagePools,
  virtualNetworks,
  storageVolumes,
  virtualMachines,
  virtualMachineActions,
];
/** Of which there is something to wait for. */
export const hostKinds: readonly Resource[] = [storagePools, virtualNetworks, storageVolumes, virtualMachines];
