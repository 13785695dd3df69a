/** A test that shows that a driver does as the field says: the file, and a sentence in it. */
export interface Proof {
  readonly file: string;
  readonly sentence: string;
  /** Nothing of it was run on a real host. */
  readonly untested?: true;
}

/** A field of the API, and which capability of a host it needs. */
export interface FieldRow {
  /** As in the CRD, e.g. `VirtualMachine disks[].bus`. */
  readonly field: string;
  readonly capability: string;
}

/** Every field of a spec that a driver acts on. What is in neither list is a field that nobody decided about. */
export const driverFields: readonly FieldRow[] = [
  { field: 'VirtualMachine cpu.count', capability: 'cpu.count' },
  { field: 'VirtualMachine cpu.maxCount', capability: 'cpu.maxCount' },
  { field: 'VirtualMachine memory.size', capability: 'memory.size' },
  { field: 'VirtualMachine memory.maxSize', capability: 'memory.maxSize' },
  { field: 'VirtualMachine firmware.type', capability: 'firmware.type' },
  { field: 'VirtualMachine firmware.secureBoot', capability: 'firmware.secureBoot' },
  { field: 'VirtualMachine firmware.tpm', capability: 'firmware.tpm' },
  { field: 'VirtualMachine boot.kernel.volumeRef.name', capability: 'boot.kernel' },
  { field: 'VirtualMachine boot.kernel.initrdVolumeRef.name', capability: 'boot.kernel' },
  { field: 'VirtualMachine boot.kernel.commandLine', capability: 'boot.kernel' },
  { field: 'VirtualMachine container.rootVolumeRef.name', capability: 'container' },
  { field: 'VirtualMachine container.init[]', capability: 'container' },
  ...['path', 'volumeRef.name', 'access'].map((part) => ({
    field: `VirtualMachine container.mounts[].${part}`,
    capability: 'container.mounts',
  })),
  { field: 'VirtualMachine disks[].bus', capability: 'disks.bus' },
  { field: 'VirtualMachine boot.order[]', capability: 'boot.order' },
  { field: 'VirtualMachine disks[].serial', capability: 'disks.serial' },
  { field: 'VirtualMachine disks[].cache', capability: 'disks.cache' },
  { field: 'VirtualMachine disks[].io', capability: 'disks.io' },
  { field: 'VirtualMachine disks[].discard', capability: 'disks.discard' },
  { field: 'VirtualMachine disks[].cdrom.volumeRef.name', capability: 'disks.cdrom' },
  { field: 'VirtualMachine disks[].cdrom.tray', capability: 'disks.cdrom' },
  ...['totalIops', 'readIops', 'writeIops', 'totalBytes', 'readBytes', 'writeBytes'].map((limit) => ({
    field: `VirtualMachine disks[].limits.${limit}`,
    capability: 'disks.limits',
  })),
  { field: 'VirtualMachine interfaces[].networkRef.name', capability: 'interfaces.network' },
  { field: 'VirtualMachine interfaces[].model', capability: 'interfaces.model' },
  { field: 'VirtualMachine interfaces[].macAddress', capability: 'interfaces.macAddress' },
  { field: 'VirtualMachine interfaces[].mtu', capability: 'interfaces.mtu' },
  { field: 'VirtualMachine interfaces[].linkState', capability: 'interfaces.linkState' },
  { field: 'VirtualMachine devices.serial', capability: 'devices.serial' },
  { field: 'VirtualMachine devices.rng', capability: 'devices.rng' },
  { field: 'VirtualMachine devices.guestAgent', capability: 'devices.guestAgent' },
  { field: 'VirtualMachine devices.graphics.type', capability: 'devices.graphics.type' },
  { field: 'VirtualMachine devices.graphics.passwordSecretRef.name', capability: 'devices.graphics.password' },
  { field: 'VirtualMachine devices.graphics.passwordSecretRef.key', capability: 'devices.graphics.password' },
  { field: 'VirtualMachine cloudInit.hostname', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.userData', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.userDataSecretRef.name', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.userDataSecretRef.key', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.networkData', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.networkDataSecretRef.name', capability: 'cloudInit' },
  { field: 'VirtualMachine cloudInit.networkDataSecretRef.key', capability: 'cloudInit' },
  { field: 'VirtualMachine ignition.config', capability: 'ignition' },
  { field: 'VirtualMachine ignition.configSecretRef.name', capability: 'ignition' },
  { field: 'VirtualMachine ignition.configSecretRef.key', capability: 'ignition' },
  { field: 'VirtualMachine sysprep.answerFile', capability: 'sysprep' },
  { field: 'VirtualMachine sysprep.answerFileSecretRef.name', capability: 'sysprep' },
  { field: 'VirtualMachine sysprep.answerFileSecretRef.key', capability: 'sysprep' },
  { field: 'VirtualMachine vsphere.guestId', capability: 'vsphere.guestId' },
  { field: 'VirtualMachine xen.mode', capability: 'xen.mode' },
  { field: 'VirtualMachine disks[].volumeTemplate.format', capability: 'disks.format' },
  { field: 'VirtualMachine disks[].volumeTemplate.source.clone', capability: 'volumes.clone' },
  { field: 'StorageVolume source.clone', capability: 'volumes.clone' },
  { field: 'StorageVolume format', capability: 'disks.format' },
  { field: 'StoragePool directory.path', capability: 'pools.directory' },
  ...['device', 'format', 'path'].map((field) => ({ field: `StoragePool filesystem.${field}`, capability: 'pools.filesystem' })),
  ...['server', 'export', 'version', 'path'].map((field) => ({ field: `StoragePool nfs.${field}`, capability: 'pools.nfs' })),
  ...['server', 'volume', 'path'].map((field) => ({ field: `StoragePool gluster.${field}`, capability: 'pools.gluster' })),
  { field: 'StoragePool lvm.volumeGroup', capability: 'pools.lvm' },
  { field: 'StoragePool zfs.dataset', capability: 'pools.zfs' },
  ...['device', 'label'].map((field) => ({ field: `StoragePool disk.${field}`, capability: 'pools.disk' })),
  ...['server', 'target', 'initiator', 'credentialsSecretName'].map((field) => ({
    field: `StoragePool iscsi.${field}`,
    capability: 'pools.iscsi',
  })),
  ...['monitors[]', 'pool', 'user', 'credentialsSecretName'].map((field) => ({
    field: `StoragePool rbd.${field}`,
    capability: 'pools.rbd',
  })),
  { field: 'StoragePool existing.name', capability: 'pools.existing' },
  { field: 'VirtualNetwork existing.name', capability: 'networks.existing' },
  ...['mode', 'bridge', 'device'].map((field) => ({ field: `VirtualNetwork forward.${field}`, capability: 'networks.forward' })),
  { field: 'VirtualNetwork mtu', capability: 'networks.mtu' },
  { field: 'VirtualNetwork vlan', capability: 'networks.vlan' },
  ...subnetFields('ipv4', 'macAddress'),
  ...subnetFields('ipv6', 'duid'),
  ...['domain', 'records[].name', 'records[].ip'].map((field) => ({ field: `VirtualNetwork dns.${field}`, capability: 'networks.dns' })),
];

function subnetFields(family: 'ipv4' | 'ipv6', key: string): readonly FieldRow[] {
  const dhcp = ['ranges[].start', 'ranges[].end', `hosts[].${key}`, 'hosts[].ip', 'hosts[].name'];
  return ['address', ...dhcp.map((field) => `dhcp.${field}`)].map((field) => ({
    field: `VirtualNetwork ${family}.${field}`,
    capability: `networks.${family}`,
  }));
}

/** Fields that Virtwright itself carries out, the same on every host. */
export const ownFields: readonly string[] = [
  'VirtualMachine uuid',
  'VirtualMachine runStrategy',
  'VirtualMachine stop.mode',
  'VirtualMachine stop.timeoutSeconds',
  'VirtualMachine placement.hypervisorRef.name',
  'VirtualMachine placement.hypervisorSelector.matchLabels',
  ...['affinity', 'antiAffinity'].flatMap((company) =>
    ['mode', 'name', 'selector.matchLabels', 'topologyKey'].map((field) => `VirtualMachine placement.${company}[].${field}`),
  ),
  ...['policy', 'tolerations[].key', 'tolerations[].value'].map((field) => `VirtualMachine placement.${field}`),
  'VirtualMachine disks[].name',
  'VirtualMachine interfaces[].name',
  'VirtualMachine disks[].volumeRef.name',
  ...[
    'poolRef.name',
    'size',
    'source.url',
    'source.format',
    'source.checksum',
    'source.upload',
    'source.volumeRef.name',
    'whenDeleted',
  ].map((field) => `VirtualMachine disks[].volumeTemplate.${field}`),
  'StorageVolume poolRef.name',
  'StorageVolume existing.name',
  'StorageVolume size',
  'StorageVolume source.url',
  'StorageVolume source.format',
  'StorageVolume source.checksum',
  'StorageVolume source.upload',
  'StorageVolume source.volumeRef.name',
  'StorageVolume reclaimPolicy',
  'StoragePool hypervisorSelector.matchLabels',
  'StoragePool span',
  'StoragePool allowedNamespaces.from',
  'StoragePool allowedNamespaces.selector.matchLabels',
  'VirtualNetwork hypervisorSelector.matchLabels',
  'VirtualNetwork span',
];

const machines = 'test/contract/machines.ts';
const ownNetworks = 'test/contract/own-networks.ts';
const live = 'test/contract/live.ts';
const contract: Readonly<Record<string, Proof>> = {
  shape: { file: machines, sentence: 'disks, kernel and devices are read back to the letter, with the buses the host chose' },
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
  cloudInit: proven('seeds'),
  ignition: proven('seeds'),
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
  'memory.maxSize': proven('ballooned'),
  'memory.size': proven('edit', 'limits', 'ballooned'),
  nativeName: proven('names'),
  'networks.dns': proven('changed', 'taken'),
  'networks.existing': proven('networks'),
  'networks.forward': proven('ownNetworks', 'started', 'forwarded'),
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
  'pools.iscsi': proven('iscsi'),
  'pools.rbd': golden,
  'pools.zfs': golden,
  'pools.existing': proven('existingPools'),
  'volumes.wipe': proven('wipes'),
  'volumes.resume': proven('resumes'),
  'volumes.clone': proven('copies', 'links'),
  'volumes.format': proven('volumes'),
  'volumes.growAttached': proven('attachedDisks'),
  'power.startPaused': proven('paused'),
  'power.pause': proven('verbs'),
  'power.reset': proven('verbs'),
  'stats.block': proven('measured'),
  'stats.network': proven('measured'),
  'vsphere.guestId': proven('words'),
  container: proven('container'),
  'container.mounts': proven('container'),
  'xen.mode': proven('words'),
};
