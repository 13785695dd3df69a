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
  { field: 'VirtualMachine cpu.shares', capability: 'cpu.shares' },
  { field: 'VirtualMachine memory.size', capability: 'memory.size' },
  { field: 'VirtualMachine memory.maxSize', capability: 'memory.maxSize' },
  { field: 'VirtualMachine memory.minSize', capability: 'memory.minSize' },
  { field: 'VirtualMachine hyperv.memoryBufferPercent', capability: 'hyperv.memoryBufferPercent' },
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
  { field: 'VirtualMachine container.rootHostPath', capability: 'container' },
  { field: 'VirtualMachine container.mounts[].hostPath', capability: 'container.mounts' },
  { field: 'VirtualMachine container.privileged', capability: 'container.privileged' },
  ...['readIops', 'writeIops', 'readBytes', 'writeBytes'].map((limit) => ({
    field: `VirtualMachine container.limits.${limit}`,
    capability: 'container.limits',
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
