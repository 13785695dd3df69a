import { askedOfPool } from '#controllers/storage-pool-instance/plan.js';
import { askedOfVolume } from '#controllers/storage-volume/asked.js';
import { asked } from '#controllers/virtual-machine/asked.js';
import { askedOfNetwork } from '#controllers/virtual-network-instance/plan.js';

const subnet = { address: '', prefix: 24, ranges: [], hosts: [] };
const wholeNetwork = { mtu: 1500, vlan: 40, ipv4: subnet, ipv6: subnet, domain: 'shop.internal' };

/** What a machine that asks for everything asks of its host, a pool of each kind, and a network. */
export const checked: ReadonlySet<string> = new Set(
  [
    ...(['cloudInit', 'ignition', 'sysprep', 'ignition.size'] as const).map((field) => ({ field })),
    ...(['directory', 'filesystem', 'nfs', 'gluster', 'smb', 'lvm', 'zfs', 'disk', 'iscsi', 'rbd', 'existing'] as const).map(askedOfPool),
    ...askedOfVolume({ allocation: 'Full' }),
    ...askedOfNetwork({ kind: 'existing' }),
    ...askedOfNetwork({ kind: 'own', definition: { forward: { mode: 'None', host: 'Attached' }, records: [] } }),
    ...askedOfNetwork({ kind: 'own', definition: { ...wholeNetwork, forward: { mode: 'NAT' }, records: [] } }),
    ...asked({
      nativeName: 'shop.db',
      cpuCount: 1,
      maxCpuCount: 1,
      cpuShares: 100,
      memoryBytes: 1,
      maxMemoryBytes: 1,
      minMemoryBytes: 1,
      hyperv: { memoryBufferPercent: 50, comPorts: ['COM1'] },
      firmware: 'BIOS',
      boot: { kernel: '/kernel' },
      bootOrder: [],
      disks: [
        {
          name: 'root',
          location: '/disk',
          format: 'Raw',
          bus: 'VirtioBlk',
          serial: 'serial',
          cache: 'None',
          io: 'Native',
          discard: 'Unmap',
          limits: {},
        },
      ],
      cdroms: [{ name: 'drive' }],
      interfaces: [
        { name: 'lan', network: 'lan', model: 'Virtio', macAddress: '52:54:00:12:34:56', mtu: 1500, vlan: 40, linkState: 'Down' },
      ],
      serial: true,
      serialLog: '/a.console',
      rng: true,
      guestAgent: true,
      secureBoot: true,
      tpm: 'V2',
      graphics: { type: 'VNC', password: 'password' },
      vsphere: { guestId: 'debian12_64Guest' },
      xen: { mode: 'PV' },
      container: { root: '/root', init: ['/sbin/init'], mounts: [], limits: {}, privileged: true },
    }),
  ].map(({ field }) => field),
);
