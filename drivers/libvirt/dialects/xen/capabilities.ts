import type { Capability, XenMode } from '#drivers/driver.js';
import { bytesPerMiB } from '../../xml/definition.js';
import { volumeFormats } from '../../xml/format.js';
import { devicesMeasured } from '../capabilities.js';

/** What a host with Xen gives to machines. */
export interface XenOffer {
  /** The best first. */
  readonly modes: readonly XenMode[];
  /** Why a mode is not among them, for people. */
  readonly lacking?: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

/** What the QEMU beside a machine says is in a file `qemu-dm-<name>.log.<number>`, which has at most 255. */
const maxNameBytes = 240;

const asPc = { field: 'xen.mode', value: 'HVM' } as const;
const pcAlone = 'HVM alone has all that a PC has';

/** Of what only HVM has; such words, or any. */
const onPc = (field: string, values?: readonly string[]): Capability => ({
  ...{ field, values: [], reason: pcAlone },
  within: [{ ...asPc, ...(values === undefined ? {} : { values }) }],
});

export function capabilitiesOf({ modes, lacking, cpuCount, memoryBytes }: XenOffer): readonly Capability[] {
  const most = Math.floor(memoryBytes / bytesPerMiB) * bytesPerMiB;
  return [
    { field: 'nativeName', max: maxNameBytes },
    { field: 'xen.mode', values: modes, ...(lacking === undefined ? {} : { reason: lacking }) },
    { field: 'cpu.count', min: 1, max: cpuCount, reason: `a machine has at most ${cpuCount}`, change: 'Hotplug' },
    { field: 'cpu.maxCount', min: 1, max: cpuCount },
    { field: 'memory.size', min: bytesPerMiB, max: most, reason: 'whole MiB, and no more than the host has', change: 'Live' },
    { field: 'memory.maxSize', min: bytesPerMiB, max: most },
    { field: 'boot.kernel', required: true, reason: 'PV and PVH begin with a kernel', within: [{ ...asPc, required: false }] },
    { field: 'disks', values: ['XenBlk'], change: 'Hotplug' },
    { field: 'disks.bus', values: ['XenBlk'] },
    { field: 'disks.format', values: volumeFormats },
    { field: 'interfaces', change: 'Hotplug' },
    { field: 'interfaces.network' },
    { field: 'interfaces.model', values: ['XenNet'], within: [{ ...asPc, values: ['XenNet', 'E1000e'] }] },
    { field: 'interfaces.macAddress' },
    { field: 'devices.serial', reason: 'hvc0 to a guest of PV and PVH, ttyS0 to one of HVM' },
    { field: 'cloudInit' },
    { field: 'power.startPaused' },
    { field: 'power.pause' },
    { field: 'power.save' },
    ...devicesMeasured,
    ...(modes.includes('HVM') ? ofPc : []),
  ];
}

const ofPc: readonly Capability[] = [
  onPc('firmware.type', ['BIOS']),
  // Each screen asks for a password.
  {
    field: 'devices.graphics.type',
    values: [],
    reason: 'Xen’s QEMU, as Debian builds it, knows no DES, and starts with no password for VNC',
  },
  { ...onPc('disks.cdrom'), change: 'Live' },
];
