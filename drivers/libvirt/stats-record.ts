import type { DiskStats, InterfaceStats, MachineId, MachineStats, TrafficStats, TransferStats } from '#drivers/driver.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { paramsByField } from './rpc/types.js';
import { diskName } from './xml/disk.js';
import { locationOf } from './xml/disk-source.js';
import { interfaceName } from './xml/interface.js';

export type StatsFields = ReturnType<typeof paramsByField>;

/** A device's target to the name that it carries, undefined where it carries none. */
export type DeviceNames = ReadonlyMap<string, string | undefined>;

const nanosecondsPerSecond = 1e9;
const bytesPerKiB = 1024;

/** What the record tells of, each as it is known in the machine's XML: another disk at the same target is another. */
export const targetsOf = (fields: StatsFields): readonly string[] => [
  ...indexes(fields, 'block').map((index) => diskTarget(fields, index)),
  ...indexes(fields, 'net').map((index) => interfaceTarget(fields, index)),
];

/** As many as the host says there are, but no more than it can have said anything of: the number alone is quickly said. */
const indexes = (fields: StatsFields, group: 'block' | 'net'): readonly number[] =>
  Array.from({ length: Math.min(Number(fields.get(`${group}.count`) ?? 0), fields.size) }, (_, index) => index);

const diskTarget = (fields: StatsFields, index: number): string =>
  `disk ${fields.get(`block.${index}.name`)} ${fields.get(`block.${index}.path`) ?? ''}`;
const interfaceTarget = (fields: StatsFields, index: number): string => `interface ${fields.get(`net.${index}.name`)}`;

/** By these targets; each is told, so that what carries no name is not looked for again. */
export function deviceNames(domain: XmlElement, targets: readonly string[]): DeviceNames {
  const named = namesByTarget(domain);
  return new Map(targets.map((each) => [each, named.get(each.split(' ', 2).join(' '))]));
}

/** Of all that is there, by target and by what is behind it: what a host tells of a disk may say that, or leave it out. */
export function namesIn(domain: XmlElement): DeviceNames {
  const devices = child(domain, 'devices');
  const disks = elements(devices, 'disk').flatMap((disk) =>
    ['', locationOf(child(disk, 'source')) ?? ''].map((path) => [`disk ${targetOf(disk)} ${path}`, diskName(disk)] as const),
  );
  return new Map([...disks, ...namesByTarget(domain)]);
}

const targetOf = (device: XmlElement): string => attribute(child(device, 'target'), 'dev') ?? '';

function namesByTarget(domain: XmlElement): DeviceNames {
  const devices = child(domain, 'devices');
  const disks = elements(devices, 'disk').map((disk) => [`disk ${targetOf(disk)}`, diskName(disk)] as const);
  const interfaces = elements(devices, 'interface').map((each) => [`interface ${targetOf(each)}`, interfaceName(each)] as const);
  return new Map<string, string | undefined>([...disks, ...interfaces]);
}

/** Undefined for a machine that is not known to have answered: the host then leaves out what it tells beside its own bookkeeping, such as the memory in use. */
export function statsOf(
  id: MachineId,
  fields: StatsFields,
  names: DeviceNames | undefined,
  { answered = false }: { readonly answered?: boolean } = {},
): MachineStats | undefined {
  const number = numbersOf(fields);
  const [cpu, balloon, resident] = ['cpu.time', 'balloon.current', 'balloon.rss'].map(number);
  const [disks, interfaces] = [disksOf(fields, names), interfacesOf(fields, names)];
  if (cpu === undefined || balloon === undefined || disks === undefined || (resident === undefined && !answered)) return undefined;
  const kibibytes = (field: string) => times(number(field), bytesPerKiB);
  return dropUndefined({
    id,
    cpuSeconds: cpu / nanosecondsPerSecond,
    cpuWaitSeconds: secondsOfCpus(fields, 'wait'),
    cpuDelaySeconds: secondsOfCpus(fields, 'delay'),
    memory: dropUndefined({
      balloonBytes: balloon * bytesPerKiB,
      residentBytes: times(resident, bytesPerKiB),
      availableBytes: kibibytes('balloon.available'),
      unusedBytes: kibibytes('balloon.unused'),
      usableBytes: kibibytes('balloon.usable'),
    }),
    disks,
    interfaces,
  });
}

const numbersOf =
  (fields: StatsFields) =>
  (field: string): number | undefined => {
    const value = fields.get(field);
    return value === undefined ? undefined : Number(value);
  };

const times = (value: number | undefined, by: number): number | undefined => (value === undefined ? undefined : value * by);

/** Absent where the host's kernel does not tell it of any. */
function secondsOfCpus(fields: StatsFields, what: 'wait' | 'delay'): number | undefined {
  const told = [...fields].flatMap(([field, value]) => (/^vcpu\.\d+\.(.*)$/.exec(field)?.[1] === what ? [Number(value)] : []));
  return told.length === 0 ? undefined : told.reduce((sum, one) => sum + one, 0) / nanosecondsPerSecond;
}

/** Of the disks that carry a name; undefined where one of them did not answer. */
function disksOf(fields: StatsFields, names: DeviceNames | undefined): readonly DiskStats[] | undefined {
  const number = numbersOf(fields);
  const transfer = (index: number, way: 'rd' | 'wr'): TransferStats | undefined => {
    const [bytes, operations, time = 0] = ['bytes', 'reqs', 'times'].map((what) => number(`block.${index}.${way}.${what}`));
    return bytes === undefined || operations === undefined ? undefined : { bytes, operations, seconds: time / nanosecondsPerSecond };
  };
  const disks = indexes(fields, 'block').map((index) => {
    const [read, written] = [transfer(index, 'rd'), transfer(index, 'wr')];
    return { name: names?.get(diskTarget(fields, index)), stats: read && written && { read, written } };
  });
  if (disks.some(({ stats }) => stats === undefined)) return undefined;
  return disks.flatMap(({ name, stats }) => (name === undefined || stats === undefined ? [] : [{ name, ...stats }]));
}

/** As the guest sees it: what it receives the host sends. One whose device the host does not count is left out. */
function interfacesOf(fields: StatsFields, names: DeviceNames | undefined): readonly InterfaceStats[] {
  const number = numbersOf(fields);
  const traffic = (index: number, way: 'rx' | 'tx'): TrafficStats | undefined => {
    const [bytes, packets = 0, errors = 0, dropped = 0] = ['bytes', 'pkts', 'errs', 'drop'].map((what) =>
      number(`net.${index}.${way}.${what}`),
    );
    return bytes === undefined ? undefined : { bytes, packets, errors, dropped };
  };
  return indexes(fields, 'net').flatMap((index) => {
    const name = names?.get(interfaceTarget(fields, index));
    const [received, sent] = [traffic(index, 'rx'), traffic(index, 'tx')];
    return name === undefined || received === undefined || sent === undefined ? [] : [{ name, received, sent }];
  });
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

const dropUndefined = <T extends object>(value: T): WithoutUndefined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as WithoutUndefined<T>;
