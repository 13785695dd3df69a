import type { ContainerMount, MachineShape } from '#drivers/driver.js';
import { child, type XmlElement } from '#drivers/xml/tree.js';
import { readInterfaces } from '../../xml/interface.js';
import { readShares } from '../../xml/shares.js';
import { readMaxCpuCount, readMaxMemory, readMemory } from '../../xml/sizes.js';
import { hasConsole } from './console.js';
import { readDiskLimits } from './disk-limits.js';
import { readInit } from './init.js';
import { readContainerCpuCount } from './limits.js';
import { keepsMounts } from './mount-guard.js';
import { readImages, readMounts, readRoot } from './root.js';
import { hasUidMap } from './uid-map.js';

/** What can be mounted anew from within is not read only. */
const mountsOf = (domain: XmlElement): readonly ContainerMount[] => {
  const mounts = readMounts(child(domain, 'devices'));
  return keepsMounts(domain) ? mounts : mounts.map(({ readOnly: _, ...mount }) => mount);
};

/** A container of somebody else's may have a root that is no directory: then nothing is told of it but its size and its interfaces. */
export function readContainer(domain: XmlElement): MachineShape {
  const devices = child(domain, 'devices');
  const [root, init, mounts] = [readRoot(devices), readInit(child(domain, 'os')), mountsOf(domain)];
  const [cpuCount, memoryBytes] = [readContainerCpuCount(domain) ?? 1, readMemory(domain) ?? 0];
  const cpuShares = readShares(domain);
  const [maxCpuCount = 0, maxMemoryBytes = 0] = [readMaxCpuCount(domain), readMaxMemory(domain)];
  const limits = readDiskLimits(domain);
  const uses = readImages(devices);
  return {
    cpuCount,
    ...(maxCpuCount > cpuCount ? { maxCpuCount } : {}),
    ...(cpuShares === undefined ? {} : { cpuShares }),
    memoryBytes,
    ...(maxMemoryBytes > memoryBytes ? { maxMemoryBytes } : {}),
    disks: [],
    interfaces: readInterfaces(devices),
    ...(uses.length === 0 ? {} : { uses }),
    serial: hasConsole(devices),
    rng: false,
    ...(root === undefined || init === undefined
      ? {}
      : {
          container: {
            root,
            init,
            ...(mounts.length === 0 ? {} : { mounts }),
            ...(hasUidMap(domain) ? {} : { privileged: true as const }),
            ...(limits === undefined ? {} : { limits }),
          },
        }),
  };
}
