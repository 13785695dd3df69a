import type { Sources } from './evidence.js';
import type { Proof } from './proofs.js';

const faults = (file: string, sentence: string): Readonly<Record<string, Proof>> => ({
  'guests.addresses': { file: `test/faults/${file}.test.ts`, sentence },
});

const addresses = {
  qemu: faults('guest', 'the smallest machine boots from its image, gets its address, is reached, and knows its name'),
  container: faults('lxc', 'a container is made of an archive, runs, and has an address'),
  pv: faults('xen', 'the PV guest has an address from its network, and is reached there'),
} as const;

const directories: Readonly<Record<string, Proof>> = {
  'volumes.format Directory': {
    file: 'test/contract/lxc.test.ts',
    sentence: 'a directory volume is filled, filled anew, and deleted with all that a container made of it',
  },
};

/** Stores of which the contract makes none. */
const luns: Readonly<Record<string, Proof>> = {
  'pools.iscsi': { file: 'test/contract/luns.test.ts', sentence: 'LUNs of a target that asks who is there' },
  'pools.disk': { file: 'test/contract/luns.test.ts', sentence: 'partitions of a disk' },
};

const stores = ['a file system', 'an NFS export', 'a volume group'].map((store) => `libvirt with a pool of ${store}`);
const qemu = ['libvirt with QEMU', 'libvirt with QEMU on a host whose files are far, by SSH', ...stores];

/** By column of the page. What is not in it stands on no run at all. */
export const sources: Readonly<Record<string, Sources>> = {
  'QEMU on TCG': { subjects: qemu, tests: { ...luns, ...addresses.qemu } },
  'QEMU on KVM': { sameHost: qemu, tests: luns },
  LXC: { subjects: ['libvirt with LXC'], sameHost: qemu, tests: { ...luns, ...directories, ...addresses.container } },
  'Xen PV': { subjects: ['libvirt with Xen, PV'], tests: addresses.pv },
  'Xen PVH': { subjects: ['libvirt with Xen, PVH'], sameHost: ['libvirt with Xen, PV'] },
  'Xen HVM': { subjects: ['libvirt with Xen, HVM'], sameHost: ['libvirt with Xen, PV'] },
  ESX: { subjects: ['vSphere on an ESX host'] },
  vCenter: { subjects: ['vSphere on a cluster of a vCenter', 'vSphere on one host of a vCenter'] },
  'Hyper-V': { subjects: ['Hyper-V by WMI v2', 'Hyper-V by WMI v2, all by jobs', 'Hyper-V by WMI v2, with a pool on an SMB share'] },
  fake: { subjects: ['the fake'] },
};
