/** Capabilities for which there is no word, and who says so. All else that a host does not tell is not done here. */

/** Cloud Hypervisor has no screens, no CD-ROM drives and virtio alone (its documentation); libvirt's driver has no call for the rest (its matrix). */
export const lacksOfCloudHypervisor = [
  'devices.graphics.type',
  'devices.graphics.password',
  'disks.cdrom',
  'sysprep',
  'disks.limits',
  'volumes.growAttached',
  'power.reset',
  'snapshots.memory',
];

/** bhyve itself neither pauses nor resets a machine (libvirt's matrix), and its driver starts no kernel (src/bhyve/bhyve_command.c). */
export const lacksOfBhyve = [
  'boot.kernel',
  'power.pause',
  'power.reset',
  'disks.limits',
  'volumes.growAttached',
  'memory.maxSize',
  'cpu.maxCount',
  'snapshots.memory',
];

/** libvirt's driver refuses each by name (src/vz/vz_sdk.c: prlsdkCheckUnsupportedParams; src/vz/vz_utils.c: vzCheckDiskUnsupportedParams). */
export const lacksOfVirtuozzo = [
  'boot.kernel',
  'firmware.type',
  'firmware.secureBoot',
  'disks.limits',
  'disks.discard',
  'devices.guestAgent',
  'cpu.maxCount',
  'memory.maxSize',
];

/** LXC's guests share the host's kernel. */
export const lacksOfContainers = [
  'boot.kernel',
  'boot.order',
  'firmware.type',
  'firmware.secureBoot',
  'firmware.tpm',
  'devices.graphics.type',
  'devices.graphics.password',
  'power.reset',
  'snapshots.memory',
];
