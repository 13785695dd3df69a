import { formatBytes } from '#crds/quantity.js';
import type { ContainerShape, HypervShape, MachineInterface, MachineShape, PowerState } from '#drivers/driver.js';

/** What objects are called in manifests, by what hosts call things. */
export interface Called {
  readonly volume: (location: string) => string;
  readonly network: (nativeName: string) => string;
}

/** The part of a VirtualMachine's spec that says this hardware, and nothing that the host chose by itself and would choose again. */
export function specOf(shape: MachineShape, power: PowerState, called: Called): object {
  const { boot, bootOrder, xen, vsphere, hyperv, container } = shape;
  return {
    runStrategy: strategies[power.state] ?? 'Manual',
    cpu: { count: shape.cpuCount, ...(shape.maxCpuCount === undefined ? {} : { maxCount: shape.maxCpuCount }) },
    memory: {
      size: formatBytes(shape.memoryBytes),
      ...(shape.maxMemoryBytes === undefined ? {} : { maxSize: formatBytes(shape.maxMemoryBytes) }),
      ...(shape.minMemoryBytes === undefined ? {} : { minSize: formatBytes(shape.minMemoryBytes) }),
    },
    ...firmwareOf(shape),
    ...(boot === undefined && bootOrder === undefined ? {} : { boot: bootOf(shape, called) }),
    ...(vsphere === undefined ? {} : { vsphere }),
    ...(hyperv === undefined ? {} : { hyperv: hypervOf(hyperv) }),
    ...(xen === undefined ? {} : { xen }),
    ...(container === undefined ? {} : { container: containerOf(container) }),
    disks: drivesOf(shape, called),
    interfaces: shape.interfaces.map((each) => interfaceOf(each, called)),
    ...devicesOf(shape),
  };
}

const hypervOf = ({ memoryBufferPercent, comPorts = [] }: HypervShape): object => ({
  ...(memoryBufferPercent === undefined ? {} : { memoryBufferPercent }),
  ...(comPorts.length === 0 ? {} : { comPorts: comPorts.map((port) => ({ port })) }),
});

/** What is on is to stay on, what is off is to stay off; what somebody paused is theirs. */
const strategies: Readonly<Partial<Record<PowerState['state'], string>>> = { On: 'Always', Off: 'Halted' };

function firmwareOf({ firmware, secureBoot, tpm }: MachineShape): object {
  if (firmware !== 'UEFI' && tpm === undefined) return {};
  return {
    firmware: {
      type: firmware ?? 'BIOS',
      ...(secureBoot === undefined ? {} : { secureBoot }),
      ...(tpm === undefined ? {} : { tpm }),
    },
  };
}

/** Its directories are the host's own: no pool made them. What limits its disks have stays as it is. */
const containerOf = ({ root, init, mounts = [], privileged }: ContainerShape): object => ({
  rootHostPath: root,
  ...(privileged === true ? { privileged } : {}),
  init,
  ...(mounts.length === 0
    ? {}
    : {
        mounts: mounts.map(({ path, location, readOnly }) => ({ path, hostPath: location, access: readOnly ? 'ReadOnly' : 'ReadWrite' })),
      }),
});

function bootOf({ boot, bootOrder }: MachineShape, { volume }: Called): object {
  const kernel = boot && {
    volumeRef: { name: volume(boot.kernel) },
    ...(boot.initrd === undefined ? {} : { initrdVolumeRef: { name: volume(boot.initrd) } }),
    ...(boot.commandLine === undefined ? {} : { commandLine: boot.commandLine }),
  };
  return {
    ...(bootOrder === undefined ? {} : { order: bootOrder.map(({ name }) => name) }),
    ...(kernel === undefined ? {} : { kernel }),
  };
}

function drivesOf({ disks, cdroms = [] }: MachineShape, { volume }: Called): readonly object[] {
  return [
    ...disks.map(({ name, location, format: _, limits, ...hardware }) => ({
      name,
      volumeRef: { name: volume(location) },
      ...hardware,
      ...(limits === undefined || Object.keys(limits).length === 0 ? {} : { limits }),
    })),
    ...cdroms.map(({ name, location, bus }) => ({
      name,
      cdrom: location === undefined ? { tray: 'Empty' } : { volumeRef: { name: volume(location) } },
      ...(bus === undefined ? {} : { bus }),
    })),
  ];
}

const interfaceOf = ({ name, network, ...hardware }: MachineInterface, called: Called): object => ({
  name,
  networkRef: { name: called.network(network) },
  ...hardware,
});

/** A password stays on the host: nobody is told it. */
function devicesOf({ serial, rng, guestAgent, graphics }: MachineShape): object {
  const devices = {
    ...(serial ? { serial: {} } : {}),
    ...(rng ? { rng: {} } : {}),
    ...(guestAgent === true ? { guestAgent: {} } : {}),
    ...(graphics === undefined ? {} : { graphics: { type: graphics.type } }),
  };
  return Object.keys(devices).length === 0 ? {} : { devices };
}
