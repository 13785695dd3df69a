import type { Capability } from '#drivers/driver.js';
import { bytesPerMiB } from '../../xml/definition.js';
import { cpuShares } from '../capabilities.js';
import { maxContainerNameBytes } from './check.js';

/** `seesFiles`: the host's directories are ours as well. */
export const containerCapabilities = (
  most: { readonly memoryBytes: number; readonly cpuCount: number },
  { seesFiles }: { readonly seesFiles: boolean },
): readonly Capability[] => [
  { field: 'nativeName', max: maxContainerNameBytes },
  { field: 'container', required: true, reason: 'this host has containers alone; their users are nobody’s on the host' },
  { field: 'container.mounts' },
  { field: 'container.privileged', reason: 'by grant alone' },
  ...(seesFiles ? [{ field: 'container.limits', reason: 'of the disks its directories are on', change: 'Live' as const }] : []),
  { field: 'cpu.count', min: 1, max: most.cpuCount, reason: 'no more time than the host’s CPUs have', change: 'Live' },
  { field: 'cpu.maxCount', min: 1, max: most.cpuCount },
  cpuShares,
  { field: 'memory.size', min: bytesPerMiB, max: most.memoryBytes, reason: 'whole MiB, and no more than the host has', change: 'Live' },
  { field: 'memory.maxSize', min: bytesPerMiB, max: most.memoryBytes },
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network' },
  { field: 'interfaces.macAddress' },
  { field: 'devices.serial', reason: 'the container’s terminal' },
  { field: 'power.pause' },
  { field: 'stats.network' },
];
