import type { Proof } from '#drivers/proof.js';

/** Hosts that no test has: what is written for them keeps to libvirt's schema and to the sources of its drivers. */
const golden = {
  by: 'golden files',
  tests: ['drivers/libvirt/dialects/golden.test.ts', 'drivers/libvirt/dialects/rules.test.ts'],
  note: 'libvirt’s schema takes the XML, which keeps to the rules in libvirt’s sources; no such host was tried',
} as const;

export const proofOfContainers: Proof = {
  host: 'libvirt with LXC',
  proven: [
    { what: 'containers', by: 'real', tests: ['test/contract/lxc.test.ts', 'test/faults/lxc.test.ts'] },
    { what: 'roots unpacked from archives', by: 'real', tests: ['test/faults/lxc.test.ts', 'drivers/libvirt/directories/extract.test.ts'] },
  ],
};

export const proofOfGolden: Proof = {
  host: 'libvirt with bhyve, Cloud Hypervisor, Virtuozzo, VirtualBox',
  proven: [
    { what: 'machines of bhyve', ...golden },
    { what: 'machines of Cloud Hypervisor, without disks', ...golden },
    {
      what: 'Virtuozzo and VirtualBox: machines are seen, none is made',
      by: 'golden files',
      tests: ['drivers/libvirt/dialects/golden.test.ts'],
      note: 'libvirt’s drivers for them keep no word of whose a machine is',
    },
  ],
};

export const proof: Proof = {
  host: 'libvirt with QEMU',
  proven: [
    {
      what: 'machines, emulated (TCG)',
      by: 'real',
      tests: ['test/contract/libvirt.test.ts', 'test/faults/life.test.ts', 'test/faults/kills.test.ts'],
    },
    { what: 'machines under KVM', by: 'untested', tests: [], note: 'used only where a probe machine came through its firmware under it' },
    { what: 'hardware that changes while a guest runs', by: 'real', tests: ['test/faults/hardware.test.ts'] },
    { what: 'networks: NAT, routed, isolated, bridged, Open vSwitch', by: 'real', tests: ['test/faults/networks.test.ts'] },
    {
      what: 'pools: directory, file system, NFS, LVM',
      by: 'real',
      tests: ['test/contract/libvirt.test.ts', 'test/contract/stores.test.ts'],
    },
    { what: 'pools: disk, iSCSI', by: 'real', tests: ['test/contract/luns.test.ts'] },
    {
      what: 'pools: Gluster, ZFS, Ceph’s RBD',
      by: 'golden files',
      tests: ['drivers/libvirt/xml/pool.test.ts', 'drivers/libvirt/dialects/qemu/rbd.test.ts'],
      note: 'libvirt’s schema takes the XML; no such store was tried',
    },
    { what: 'disks on NVMe', by: 'untested', tests: [], note: 'written as libvirt’s documentation has it; no libvirt 11.5 was tried' },
    { what: 'secure boot, TPM, screens by VNC', by: 'real', tests: ['test/faults/firmware.test.ts'] },
    { what: 'cloud-init, guest agent, addresses', by: 'real', tests: ['test/faults/guest.test.ts'] },
    {
      what: 'hosts that are reached by TLS or SSH',
      by: 'real',
      tests: ['test/contract/libvirt-remote.test.ts', 'test/faults/remote.test.ts'],
      note: 'daemons and sshd on loopback; by SSH a machine boots, by TLS the machines are libvirt’s pretended ones',
    },
    { what: 'the RPC client on libvirt’s test driver', by: 'third-party simulator', tests: ['test/contract/libvirt-test-driver.test.ts'] },
  ],
};
