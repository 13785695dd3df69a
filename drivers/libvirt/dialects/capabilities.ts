import type { Capability, InterfaceModel } from '#drivers/driver.js';
import { bytesPerMiB, maxSerialBytes } from '../xml/definition.js';
import { volumeFormats } from '../xml/format.js';
import { interfaceModels } from '../xml/interface.js';
import { leastShares, mostShares } from '../xml/shares.js';
import { diskCaches, diskDiscards, diskIos } from '../xml/tuning.js';

/** What more than one dialect says of its machines. */

/** Of what runs in cgroups. Whether the daemon has them at hand, it says only once something is to start. */
export const cpuShares: Capability = {
  field: 'cpu.shares',
  min: leastShares,
  max: mostShares,
  reason: 'where the daemon has cgroups',
  change: 'Live',
};

export const diskWords: readonly Capability[] = [
  { field: 'disks.cache', values: diskCaches },
  { field: 'disks.discard', values: diskDiscards },
  { field: 'disks.io', values: diskIos },
  { field: 'disks.format', values: volumeFormats },
  { field: 'disks.serial', reason: `at most ${maxSerialBytes} characters reach the guest` },
];

/** Of what a machine has that has all a PC has. */
export const emulatedModels: readonly InterfaceModel[] = interfaceModels.filter((model) => model !== 'XenNet');

export const interfaceWords: readonly Capability[] = [
  { field: 'interfaces.model', values: emulatedModels },
  { field: 'interfaces.macAddress' },
  { field: 'interfaces.mtu', min: 68, max: 65_535 },
];

export const pluggedInterfaces: readonly Capability[] = [
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network', change: 'Live' },
  { field: 'interfaces.linkState', change: 'Live' },
];

export const bootsAnything: readonly Capability[] = [{ field: 'boot.kernel' }, { field: 'boot.order' }];

export const graphicsServer: readonly Capability[] = [
  { field: 'devices.graphics.type', values: ['VNC'] },
  { field: 'devices.graphics.password', reason: '1 to 8 characters, as VNC has it', change: 'Live' },
];

/** What its figures tell of, beside time and memory. */
export const devicesMeasured: readonly Capability[] = [{ field: 'stats.block' }, { field: 'stats.network' }];

export const seeds: readonly Capability[] = [{ field: 'cloudInit' }, { field: 'ignition' }, { field: 'sysprep' }];

/** How many CPUs and how much memory, where neither changes while a machine runs. */
export const fixedSizes = (
  most: { readonly cpuCount: number; readonly memoryBytes: number },
  maxBytesOfName: number,
): readonly Capability[] => [
  { field: 'nativeName', max: maxBytesOfName },
  { field: 'cpu.count', min: 1, max: most.cpuCount },
  {
    field: 'memory.size',
    min: bytesPerMiB,
    max: Math.floor(most.memoryBytes / bytesPerMiB) * bytesPerMiB,
    reason: 'whole MiB, and no more than the host has',
  },
];
