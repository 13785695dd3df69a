import { readFileSync } from 'node:fs';
import * as types from '#crds/types.js';

/** All that are ours, by kind. */
export const resources = {
  Hypervisor: types.hypervisors,
  Session: types.sessions,
  StoragePool: types.storagePools,
  StoragePoolInstance: types.storagePoolInstances,
  StorageVolume: types.storageVolumes,
  VirtualMachine: types.virtualMachines,
  VirtualMachineAction: types.virtualMachineActions,
  VirtualNetwork: types.virtualNetworks,
  VirtualNetworkInstance: types.virtualNetworkInstances,
} as const;

/** What Argo CD is to run on each of them. Seen from `dist/test/cluster/`. */
export const healthScript = readFileSync(new URL('../../../docs/argocd/virtwright.io/_/health.lua', import.meta.url), 'utf8');
