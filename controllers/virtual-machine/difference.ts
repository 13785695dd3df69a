import type { MachineDisk, MachineShape } from '#drivers/driver.js';

/** The fields, in the API's words, in which what a machine has differs from what is asked. An absent bus or serial asks for nothing. */
export function differences(has: MachineShape, asked: MachineShape): readonly string[] {
  return [
    ...(has.cpuCount === asked.cpuCount ? [] : ['spec.cpu.count']),
    ...(has.memoryBytes === asked.memoryBytes ? [] : ['spec.memory.size']),
    ...bootDifferences(has, asked),
    ...diskDifferences(has.disks, asked.disks),
    ...(has.serial === asked.serial ? [] : ['spec.devices.serial']),
    ...(has.rng === asked.rng ? [] : ['spec.devices.rng']),
  ];
}

function bootDifferences({ boot: has }: MachineShape, { boot: asked }: MachineShape): readonly string[] {
  return [
    ...(has?.kernel === asked?.kernel ? [] : ['spec.boot.kernel.volumeRef']),
    ...(has?.initrd === asked?.initrd ? [] : ['spec.boot.kernel.initrdVolumeRef']),
    ...((has?.commandLine ?? '') === (asked?.commandLine ?? '') ? [] : ['spec.boot.kernel.commandLine']),
  ];
}

function diskDifferences(has: readonly MachineDisk[], asked: readonly MachineDisk[]): readonly string[] {
  const names = [...new Set([...asked, ...has].map(({ name }) => name))];
  return names.flatMap((name) => {
    const present = has.find((disk) => disk.name === name);
    const wanted = asked.find((disk) => disk.name === name);
    return present !== undefined && wanted !== undefined && sameDisk(present, wanted) ? [] : [`spec.disks[${name}]`];
  });
}

const sameDisk = (has: MachineDisk, asked: MachineDisk): boolean =>
  has.location === asked.location &&
  has.format === asked.format &&
  (asked.bus === undefined || has.bus === asked.bus) &&
  (asked.serial === undefined || has.serial === asked.serial);
