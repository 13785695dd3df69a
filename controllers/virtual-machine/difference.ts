import type { MachineDisk, MachineInterface, MachineShape } from '#drivers/driver.js';

/** The fields, in the API's words, in which what a machine has differs from what is asked. What is absent and was left to the host asks for nothing. */
export function differences(has: MachineShape, asked: MachineShape): readonly string[] {
  return [
    ...(has.cpuCount === asked.cpuCount ? [] : ['spec.cpu.count']),
    ...(has.memoryBytes === asked.memoryBytes ? [] : ['spec.memory.size']),
    ...(asked.firmware === undefined || has.firmware === asked.firmware ? [] : ['spec.firmware.type']),
    ...bootDifferences(has, asked),
    ...namedDifferences('disks', has.disks, asked.disks, sameDisk),
    ...namedDifferences('interfaces', has.interfaces, asked.interfaces, sameInterface),
    ...(has.serial === asked.serial ? [] : ['spec.devices.serial']),
    ...(has.rng === asked.rng ? [] : ['spec.devices.rng']),
    ...((has.guestAgent ?? false) === (asked.guestAgent ?? false) ? [] : ['spec.devices.guestAgent']),
    ...(asked.vsphere === undefined || has.vsphere?.guestId === asked.vsphere.guestId ? [] : ['spec.vsphere.guestId']),
  ];
}

function bootDifferences({ boot: has }: MachineShape, { boot: asked }: MachineShape): readonly string[] {
  return [
    ...(has?.kernel === asked?.kernel ? [] : ['spec.boot.kernel.volumeRef']),
    ...(has?.initrd === asked?.initrd ? [] : ['spec.boot.kernel.initrdVolumeRef']),
    ...((has?.commandLine ?? '') === (asked?.commandLine ?? '') ? [] : ['spec.boot.kernel.commandLine']),
  ];
}

function namedDifferences<T extends { readonly name: string }>(
  field: string,
  has: readonly T[],
  asked: readonly T[],
  same: (has: T, asked: T) => boolean,
): readonly string[] {
  const names = [...new Set([...asked, ...has].map(({ name }) => name))];
  return names.flatMap((name) => {
    const present = has.find((one) => one.name === name);
    const wanted = asked.find((one) => one.name === name);
    return present !== undefined && wanted !== undefined && same(present, wanted) ? [] : [`spec.${field}[${name}]`];
  });
}

const sameDisk = (has: MachineDisk, asked: MachineDisk): boolean =>
  has.location === asked.location &&
  has.format === asked.format &&
  (asked.bus === undefined || has.bus === asked.bus) &&
  (asked.serial === undefined || has.serial === asked.serial);

const sameInterface = (has: MachineInterface, asked: MachineInterface): boolean =>
  has.network === asked.network &&
  (asked.model === undefined || has.model === asked.model) &&
  (asked.macAddress === undefined || has.macAddress === asked.macAddress);
