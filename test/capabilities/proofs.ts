/** A test that shows that a driver does as the field says: the file, and a sentence in it. */
export interface Proof {
  readonly file: string;
  readonly sentence: string;
  /** Nothing of it was run on a real host. */
  readonly untested?: true;
}

const machines = 'test/contract/machines.ts';
const ownNetworks = 'test/contract/own-networks.ts';
const live = 'test/contract/live.ts';
const contract: Readonly<Record<string, Proof>> = {
  shape: { file: machines, sentence: 'disks, kernel and devices are read back to the letter, with the buses the host chose' },
  ports: { file: machines, sentence: 'a COM port ends in a pipe of its own for as long as it is asked for' },
  words: { file: machines, sentence: 'words that a host does not know are refused by their name, and the others are kept' },
  firmware: { file: machines, sentence: 'firmware is what was asked for, or what the host chose, and is kept' },
  trust: { file: machines, sentence: 'secure boot and a TPM are what was asked for, and are taken away again' },
  interfaces: { file: machines, sentence: 'interfaces are read back to the letter, with the models and addresses that the host chose' },
  channel: { file: 'test/contract/guests.ts', sentence: 'a channel is read back, and taken away again' },
  container: { file: machines, sentence: 'a container is read back, and refused by its name on a host without' },
  agent: { file: 'test/contract/guests.ts', sentence: 'an agent tells the host name and the system' },
  seeds: { file: machines, sentence: 'a seed is read back, changed and taken away again' },
  paused: { file: 'test/contract/power.ts', sentence: 'a host says whether it starts machines paused' },
  verbs: { file: 'test/contract/power.ts', sentence: 'a host says whether it pauses and resets machines' },
  kept: { file: 'test/contract/snapshots.ts', sentence: 'what runs is in it where that is asked for, and only where the host can' },
  saved: { file: 'test/contract/power.ts', sentence: 'saved, it is off, and goes on from there with what it had' },
  edit: { file: machines, sentence: 'an edit changes what differs, and keeps what the host once chose' },
  limits: { file: machines, sentence: 'more than the host accepts is refused, and nothing is made' },
  attachedDisks: { file: 'test/contract/volumes.ts', sentence: ' disk of a machine that is on grows, once or twice, and never shrinks' },
  wipes: { file: 'test/contract/volumes.ts', sentence: 'of a wiped volume nothing can be read any more' },
  resumes: { file: 'test/contract/volumes.ts', sentence: 'an upload that broke goes on from where it was, over what is there' },
  copies: { file: 'test/contract/volumes.ts', sentence: 'a copy holds what its source holds, in any of the formats, and stands alone' },
  links: { file: 'test/contract/volumes.ts', sentence: 'a linked clone tells its base, and the sizes are those asked for' },
  volumes: { file: 'test/contract/volumes.ts', sentence: ' volume is made, listed where it lies, and deleted, once or twice' },
  pools: { file: 'test/contract/pools.ts', sentence: 'a defined pool is listed with its store, and not active' },
  filesystem: { file: 'test/contract/stores.test.ts', sentence: 'a pool of a file system' },
  nfs: { file: 'test/contract/stores.test.ts', sentence: 'a pool of an NFS export' },
  smb: { file: 'test/contract/hyperv-shares.test.ts', sentence: 'a pool on an SMB share' },
  iscsi: { file: 'test/contract/luns.test.ts', sentence: 'LUNs of a target that asks who is there' },
  disk: { file: 'test/contract/luns.test.ts', sentence: 'partitions of a disk' },
  lvm: { file: 'test/contract/stores.test.ts', sentence: 'a pool of a volume group' },
  existingPools: { file: 'test/contract/pools.ts', sentence: 'a pool that was there before is used as it is' },
  attached: {
    file: 'test/contract/networks.ts',
    sentence: 'a machine starts only once its networks are there',
  },
  networks: { file: 'test/contract/networks.ts', sentence: 'a network that was there before is listed by its name, active or not' },
  ownNetworks: { file: ownNetworks, sentence: 'a defined network is as it was defined, and not active' },
  started: { file: ownNetworks, sentence: 'a started network is what it was defined as, once or twice' },
  changed: { file: ownNetworks, sentence: 'a change is in the definition at once, and in what runs as far as that takes it' },
  taken: { file: ownNetworks, sentence: 'subnets, names and records are taken away, and given' },
  forwarded: { file: ownNetworks, sentence: 'a network on what the host has' },
  switched: { file: 'test/contract/own-switches.ts', sentence: 'the host is on a switch, or not, and that changes under no machine' },
  hosted: { file: ownNetworks, sentence: 'whether the host is on a network is as it was asked for, or refused by its name' },
  retagged: { file: live, sentence: 'the tag of an interface changes while its machine runs, and goes' },
  'taken at once': { file: 'test/contract/volumes.ts', sentence: 'a volume whose room is taken at once says so, or is refused' },
  tagged: { file: ownNetworks, sentence: 'frames on a bridge of the host have a tag, and lose it' },
  finer: { file: machines, sentence: 'what is not spoken of any more stays, and what is said otherwise changes' },
  limited: { file: live, sentence: 'a disk’s limits change while it runs, and go' },
  ejected: { file: live, sentence: 'a disc is taken out of its drive, and put in; the drive itself stays' },
  plugged: { file: live, sentence: 'disks are plugged in as they are defined, each by itself, once or twice' },
  unplugged: { file: live, sentence: 'a disk is taken out once the guest has let go of it' },
  connected: { file: live, sentence: 'an interface is plugged in, put on another network, and taken out' },
  ballooned: { file: live, sentence: 'memory grows and shrinks within its room, and beyond it waits' },
  logged: { file: 'test/contract/consoles.ts', sentence: 'what a machine prints is written down, anew from each start on' },
  viewed: { file: 'test/contract/consoles.ts', sentence: 'a viewer is let in by the password, and by no other' },
  repassworded: { file: live, sentence: 'the password of its graphics is another from now on' },
  weighed: { file: live, sentence: 'shares of CPU time change while it runs' },
  confined: { file: live, sentence: 'a container’s limits change while it runs, and go' },
  cpus: { file: live, sentence: 'a CPU is plugged in within its room, and beyond it waits' },
  measured: {
    file: 'test/contract/stats.ts',
    sentence: 'of disks and interfaces there are figures where the host says so, and nowhere else',
  },
  names: { file: machines, sentence: 'the longest name is kept, and a longer one is refused' },
};
const probe: Proof = {
  file: 'drivers/libvirt/driver.test.ts',
  sentence: 'a host tells what it is and what it accepts, and KVM only when a guest got through its firmware',
};

const trusted: Proof = {
  file: 'test/faults/firmware.test.ts',
  sentence: 'a guest under secure boot finds its TPM again, and so does the next one on its disk',
};

const allowed: Proof = { file: 'test/faults/lxc.test.ts', sentence: 'what is the host’s own a container has by grant alone' };

const confined: Proof = {
  file: 'test/contract/lxc.test.ts',
  sentence: 'the kernel holds a container to its limits, which change while it runs',
};

/** Written as libvirt's schema has it, and read back: no such store was at hand, so nothing of it ran. */
const golden: readonly Proof[] = [
  { file: 'drivers/libvirt/xml/pool.test.ts', sentence: 'what is written is what libvirt takes', untested: true },
];

/** Written as libvirt's documentation has it: no libvirt that knows such disks was at hand. */
const nvme: Proof = {
  file: 'drivers/libvirt/dialects/qemu/nvme.test.ts',
  sentence: 'every disk on NVMe has a controller of its own, that says its serial',
  untested: true,
};

const proven = (...names: readonly string[]): readonly Proof[] => names.flatMap((name) => contract[name] ?? []);

/** By capability. */
export const proofs: Readonly<Record<string, readonly Proof[]>> = {
  accelerator: [probe],
  'boot.kernel': proven('shape'),
  'cpu.count': proven('edit', 'limits', 'cpus'),
  'cpu.maxCount': proven('cpus'),
  'cpu.shares': proven('weighed'),
  cloudInit: proven('seeds'),
  ignition: proven('seeds'),
  'ignition.size': proven('seeds'),
  'seeds.carried': proven('seeds'),
  sysprep: proven('seeds'),
  'devices.guestAgent': proven('channel', 'agent'),
  'devices.graphics.type': proven('viewed'),
  'devices.graphics.password': proven('viewed', 'repassworded'),
  'devices.rng': proven('shape'),
  'devices.serial': proven('shape'),
  'devices.serial.log': proven('logged'),
  disks: proven('plugged', 'unplugged'),
  'boot.order': proven('finer', 'words'),
  'disks.cache': proven('finer', 'words'),
  'disks.cdrom': proven('finer', 'ejected'),
  'disks.discard': proven('finer', 'words'),
  'disks.io': proven('words'),
  'disks.limits': proven('limited', 'finer'),
  'interfaces.linkState': proven('connected', 'finer'),
  'interfaces.mtu': proven('finer'),
  'interfaces.vlan': proven('words', 'retagged'),
  'disks.bus': [...proven('shape', 'words'), nvme],
  'disks.format': proven('shape'),
  'disks.serial': proven('shape'),
  'firmware.type': proven('firmware'),
  'firmware.secureBoot': [...proven('trust'), trusted],
  'firmware.tpm': [...proven('trust'), trusted],
  interfaces: proven('connected'),
  'interfaces.macAddress': proven('interfaces'),
  'interfaces.model': proven('interfaces'),
  'interfaces.network': proven('interfaces', 'attached', 'connected'),
  'memory.maxSize': proven('ballooned', 'words'),
  'memory.minSize': proven('words'),
  'hyperv.memoryBufferPercent': proven('words'),
  'hyperv.comPorts': proven('words', 'ports'),
  'memory.size': proven('edit', 'limits', 'ballooned'),
  nativeName: proven('names'),
  'networks.dns': proven('changed', 'taken'),
  'networks.existing': proven('networks'),
  'networks.forward': proven('ownNetworks', 'started', 'forwarded'),
  'networks.host': proven('switched', 'hosted'),
  'networks.ipv4': proven('ownNetworks', 'started', 'changed'),
  'networks.ipv6': proven('taken'),
  'networks.live': proven('changed'),
  'networks.mtu': proven('changed'),
  'networks.vlan': proven('tagged'),
  'pools.directory': proven('pools'),
  'pools.filesystem': proven('filesystem'),
  'pools.lvm': proven('lvm'),
  'pools.nfs': proven('nfs'),
  'pools.disk': proven('disk'),
  'pools.gluster': golden,
  'pools.smb': proven('smb'),
  'pools.iscsi': proven('iscsi'),
  'pools.rbd': golden,
  'pools.zfs': golden,
  'pools.existing': proven('existingPools'),
  'volumes.wipe': proven('wipes'),
  'volumes.resume': proven('resumes'),
  'volumes.clone': proven('copies', 'links'),
  'volumes.format': proven('volumes'),
  'volumes.allocation': proven('taken at once'),
  'volumes.growAttached': proven('attachedDisks'),
  'power.startPaused': proven('paused'),
  'power.pause': proven('verbs'),
  'power.reset': proven('verbs'),
  'power.save': proven('saved'),
  'snapshots.memory': proven('kept'),
  'stats.block': proven('measured'),
  'stats.network': proven('measured'),
  'vsphere.guestId': proven('words'),
  container: proven('container'),
  'container.mounts': proven('container'),
  'container.limits': [...proven('confined'), confined],
  'container.privileged': [...proven('container'), allowed],
  'xen.mode': proven('words'),
};
