import { isDeepStrictEqual } from 'node:util';
import { formatBytes } from '#crds/quantity.js';
import type {
  ContainerLimits,
  ContainerShape,
  DiskLimits,
  MachineCdrom,
  MachineDisk,
  MachineGraphics,
  MachineInterface,
  MachineSeed,
  MachineShape,
  Part,
} from '#drivers/driver.js';
import { seedFields } from './seed-kind.js';

/** A field, in the API's words, in which what a machine has differs from what is asked. */
export interface Difference {
  readonly field: string;
  /** What of a running machine it is about; absent for what only its next start can change. */
  readonly part?: Part;
  /** The capabilities whose `change` must allow it, and with which value. */
  readonly takes: readonly Taken[];
  /** The guest has to let go of something. */
  readonly letsGo: boolean;
  /** Why it is nothing of a running machine, where that is not plain. */
  readonly because?: string;
}

interface Taken {
  readonly field: string;
  readonly value?: string | undefined;
}

/** What is absent and was left to the host asks for nothing. */
export function differences(has: MachineShape, asked: MachineShape): readonly Difference[] {
  return [
    ...countDifferences(has, asked),
    ...sharesDifferences(has, asked),
    ...memoryDifferences(has, asked),
    ...unless(asked.firmware === undefined || has.firmware === asked.firmware, 'spec.firmware.type'),
    ...unless(asked.secureBoot === undefined || (has.secureBoot ?? false) === asked.secureBoot, 'spec.firmware.secureBoot'),
    ...unless(has.tpm === asked.tpm, 'spec.firmware.tpm'),
    ...bootDifferences(has, asked),
    ...unless(asked.bootOrder === undefined || JSON.stringify(has.bootOrder ?? []) === JSON.stringify(asked.bootOrder), 'spec.boot.order'),
    ...namedDifferences(disks, drivesOf(has), drivesOf(asked)),
    ...namedDifferences(interfaces, has.interfaces, asked.interfaces),
    ...unless(has.serial === asked.serial, 'spec.devices.serial'),
    // One that writes nothing down is not defined anew, or restarted, for that alone.
    ...unless(has.serialLog === undefined || has.serialLog === asked.serialLog, 'spec.devices.serial'),
    ...unless(has.rng === asked.rng, 'spec.devices.rng'),
    ...unless((has.guestAgent ?? false) === (asked.guestAgent ?? false), 'spec.devices.guestAgent'),
    ...graphicsDifferences(has.graphics, asked.graphics),
    ...seedDifferences(has.seed, asked.seed),
    ...unless(
      asked.hyperv?.memoryBufferPercent === undefined || has.hyperv?.memoryBufferPercent === asked.hyperv.memoryBufferPercent,
      'spec.hyperv.memoryBufferPercent',
    ),
    ...unless(isDeepStrictEqual(has.hyperv?.comPorts ?? [], asked.hyperv?.comPorts ?? []), 'spec.hyperv.comPorts'),
    ...unless(asked.vsphere === undefined || has.vsphere?.guestId === asked.vsphere.guestId, 'spec.vsphere.guestId'),
    ...containerDifferences(has.container, asked.container),
    ...unless(asked.xen === undefined || has.xen?.mode === asked.xen.mode, 'spec.xen.mode'),
  ];
}

export const fieldsOf = (found: readonly Difference[]): readonly string[] => found.map(({ field }) => field);

const unless = (same: boolean, field: string): readonly Difference[] => (same ? [] : [{ field, takes: [], letsGo: false }]);

/** What a guest read at its start is not exchanged under it. */
function seedDifferences(has: MachineSeed | undefined, asked: MachineSeed | undefined): readonly Difference[] {
  if (has?.kind === asked?.kind && has?.location === asked?.location) return [];
  const fields = new Set([has, asked].flatMap((seed) => (seed === undefined ? [] : [`spec.${seedFields[seed.kind]}`])));
  return [...fields].flatMap((field) => unless(false, field));
}

/** A password is compared, and told to nobody. */
function graphicsDifferences(has: MachineGraphics | undefined, asked: MachineGraphics | undefined): readonly Difference[] {
  const field = 'spec.devices.graphics';
  if (has?.type !== asked?.type) return unless(false, field);
  if (asked?.password === undefined || asked.password === has?.password) return [];
  return [{ field, part: { kind: 'graphics' }, takes: [{ field: 'devices.graphics.password' }], letsGo: false }];
}

function countDifferences(has: MachineShape, asked: MachineShape): readonly Difference[] {
  const most = has.maxCpuCount ?? has.cpuCount;
  const hasRoom = asked.cpuCount <= most;
  const count = { field: 'spec.cpu.count', takes: [{ field: 'cpu.count' }], letsGo: asked.cpuCount < has.cpuCount };
  return [
    ...(has.cpuCount === asked.cpuCount
      ? []
      : [hasRoom ? { ...count, part: { kind: 'cpu' } as const } : { ...count, because: `runs with room for ${most} CPUs` }]),
    ...unless(asked.maxCpuCount === undefined || asked.maxCpuCount === most, 'spec.cpu.maxCount'),
  ];
}

function sharesDifferences(has: MachineShape, { cpuShares }: MachineShape): readonly Difference[] {
  if (cpuShares === undefined || has.cpuShares === cpuShares) return [];
  return [{ field: 'spec.cpu.shares', part: { kind: 'cpuShares' }, takes: [{ field: 'cpu.shares' }], letsGo: false }];
}

function memoryDifferences(has: MachineShape, asked: MachineShape): readonly Difference[] {
  const most = has.maxMemoryBytes ?? has.memoryBytes;
  const least = has.minMemoryBytes ?? has.memoryBytes;
  const hasRoom = asked.memoryBytes <= most;
  const size = { field: 'spec.memory.size', takes: [{ field: 'memory.size' }], letsGo: true };
  return [
    ...(has.memoryBytes === asked.memoryBytes
      ? []
      : [hasRoom ? { ...size, part: { kind: 'memory' } as const } : { ...size, because: `runs with room for ${formatBytes(most)}` }]),
    ...unless(asked.maxMemoryBytes === undefined || asked.maxMemoryBytes === most, 'spec.memory.maxSize'),
    ...unless(asked.minMemoryBytes === undefined || asked.minMemoryBytes === least, 'spec.memory.minSize'),
  ];
}

/** All but its limits change with the container off. */
function containerDifferences(has: ContainerShape | undefined, asked: ContainerShape | undefined): readonly Difference[] {
  return [
    ...unless(has?.root === asked?.root, 'spec.container.rootVolumeRef'),
    ...unless(JSON.stringify(has?.init) === JSON.stringify(asked?.init), 'spec.container.init'),
    ...unless(mountsText(has?.mounts) === mountsText(asked?.mounts), 'spec.container.mounts'),
    ...unless((has?.privileged ?? false) === (asked?.privileged ?? false), 'spec.container.privileged'),
    ...limitsDifferences(has?.limits, asked?.limits),
  ];
}

function limitsDifferences(has: ContainerLimits = {}, asked?: ContainerLimits): readonly Difference[] {
  if (asked === undefined || limitsText(has) === limitsText(asked)) return [];
  return [{ field: 'spec.container.limits', part: { kind: 'containerLimits' }, takes: [{ field: 'container.limits' }], letsGo: false }];
}

/** Whatever their order. */
export const mountsText = (mounts: ContainerShape['mounts'] = []): string =>
  mounts
    .map(({ path, location, readOnly = false }) => JSON.stringify([path, location, readOnly]))
    .sort()
    .join();

function bootDifferences({ boot: has }: MachineShape, { boot: asked }: MachineShape): readonly Difference[] {
  return [
    ...unless(has?.kernel === asked?.kernel, 'spec.boot.kernel.volumeRef'),
    ...unless(has?.initrd === asked?.initrd, 'spec.boot.kernel.initrdVolumeRef'),
    ...unless((has?.commandLine ?? '') === (asked?.commandLine ?? ''), 'spec.boot.kernel.commandLine'),
  ];
}

/** A list of things with names. Each comes and goes as a whole, and differs in some of its fields. */
export interface Named<T> {
  readonly list: 'disks' | 'interfaces';
  readonly kind: 'disk' | 'interface';
  /** The model or bus with which the host lets one come and go. */
  readonly as: (one: T) => string | undefined;
  /** Each field of one, as capabilities call it; and what one has that does not tell. */
  readonly fields: { readonly [field: string]: { readonly of: (one: T) => unknown; readonly untold?: unknown } };
}

/** A disk, or a drive for discs: one name is one of them. */
export type Drive = (MachineDisk & { readonly isCdrom: false }) | (MachineCdrom & { readonly isCdrom: true });

export const drivesOf = ({ disks, cdroms = [] }: MachineShape): readonly Drive[] => [
  ...disks.map((disk) => ({ ...disk, isCdrom: false as const })),
  ...cdroms.map((cdrom) => ({ ...cdrom, isCdrom: true as const })),
];

const ofDisk = (of: (disk: MachineDisk) => unknown) => (drive: Drive) => (drive.isCdrom ? undefined : of(drive));

/** Of what is limited, and how much, whatever the order. */
export const limitsText = (limits: DiskLimits): string =>
  Object.entries(limits)
    .map(([name, most]) => `${name}=${most}`)
    .sort()
    .join();

const disks: Named<Drive> = {
  list: 'disks',
  kind: 'disk',
  // A drive is on no bus with which a disk comes and goes.
  as: ({ bus, isCdrom }) => (isCdrom ? 'Cdrom' : bus),
  fields: {
    'disks.device': { of: ({ isCdrom }) => isCdrom },
    'disks.cdrom': { of: (drive) => (drive.isCdrom ? (drive.location ?? '') : undefined) },
    'disks.volume': { of: ofDisk(({ location }) => location) },
    'disks.format': { of: ofDisk(({ format }) => format) },
    'disks.bus': { of: ({ bus }) => bus },
    'disks.serial': { of: ofDisk(({ serial }) => serial) },
    'disks.cache': { of: ofDisk(({ cache }) => cache) },
    'disks.io': { of: ofDisk(({ io }) => io) },
    'disks.discard': { of: ofDisk(({ discard }) => discard) },
    'disks.limits': { of: ofDisk(({ limits }) => limits && limitsText(limits)), untold: '' },
  },
};

const interfaces: Named<MachineInterface> = {
  list: 'interfaces',
  kind: 'interface',
  as: ({ model }) => model,
  fields: {
    'interfaces.network': { of: ({ network }) => network },
    'interfaces.model': { of: ({ model }) => model },
    'interfaces.macAddress': { of: ({ macAddress }) => macAddress },
    'interfaces.mtu': { of: ({ mtu }) => mtu },
    'interfaces.vlan': { of: ({ vlan }) => vlan ?? 'none' },
    'interfaces.linkState': { of: ({ linkState }) => linkState, untold: 'Up' },
  },
};

/** By which fields they are compared. */
export const named = { disks, interfaces } as const;

function namedDifferences<T extends { readonly name: string }>(
  kind: Named<T>,
  has: readonly T[],
  asked: readonly T[],
): readonly Difference[] {
  const names = [...new Set([...asked, ...has].map(({ name }) => name))];
  return names.flatMap((name) => {
    const present = has.find((one) => one.name === name);
    const wanted = asked.find((one) => one.name === name);
    const takes = taken(kind, present, wanted);
    if (takes.length === 0) return [];
    // A guest may hold the disc that is to be taken out.
    const letsGo = wanted === undefined || takes.some(({ field }) => field === 'disks.cdrom');
    return [{ field: `spec.${kind.list}[${name}]`, part: { kind: kind.kind, name }, takes, letsGo }];
  });
}

function taken<T>(kind: Named<T>, has: T | undefined, asked: T | undefined): readonly Taken[] {
  if (has === undefined || asked === undefined) {
    const one = has ?? asked;
    return one === undefined ? [] : [{ field: kind.list, value: kind.as(one) }];
  }
  return Object.entries(kind.fields)
    .filter(([, { of, untold }]) => of(asked) !== undefined && (of(has) ?? untold) !== of(asked))
    .map(([field]) => ({ field }));
}
