import { formatBytes } from '#crds/quantity.js';
import type { HypervShape, MachineShape } from '#drivers/driver.js';
import { type Difference, drivesOf, limitsText, mountsText, type Named, named } from './difference.js';
import { seedFields } from './seed-kind.js';

/** A field of a shape under its path in the manifest, as `spec.disks[root].cache`. */
interface Place {
  readonly of: (shape: MachineShape) => unknown;
  /** The first shape, with this field as the second has it. */
  readonly take: (to: MachineShape, from: MachineShape) => MachineShape;
}

function copied<T extends object>(to: T, from: T, ...keys: readonly (keyof T)[]): T {
  const copy = { ...to };
  for (const key of keys) {
    if (from[key] === undefined) delete copy[key];
    else copy[key] = from[key];
  }
  return copy;
}

const top = (key: keyof MachineShape): Place => ({ of: (shape) => shape[key], take: (to, from) => copied(to, from, key) });

/** Where one of the two has nothing that this is a part of, the other's goes as a whole. */
function within<K extends 'boot' | 'container' | 'vsphere' | 'xen'>(outer: K, inner: keyof NonNullable<MachineShape[K]>): Place {
  return {
    of: (shape) => shape[outer]?.[inner as never],
    take(to, from) {
      const [into, its] = [to[outer], from[outer]];
      return into === undefined || its === undefined
        ? copied(to, from, outer)
        : { ...to, [outer]: copied<object>(into, its, inner as never) };
    },
  };
}

/** Of what only one host has words for, each by itself: one says nothing of the others. */
const ofHyperv = (key: keyof HypervShape): Place => ({
  of: ({ hyperv }) => hyperv?.[key],
  take({ hyperv = {}, ...to }, from) {
    const taken = copied<HypervShape>(hyperv, from.hyperv ?? {}, key);
    return Object.keys(taken).length === 0 ? to : { ...to, hyperv: taken };
  },
});

const plain: Readonly<Record<string, Place>> = {
  'spec.cpu.count': top('cpuCount'),
  'spec.cpu.maxCount': top('maxCpuCount'),
  'spec.cpu.shares': top('cpuShares'),
  'spec.memory.size': top('memoryBytes'),
  'spec.memory.minSize': top('minMemoryBytes'),
  'spec.memory.maxSize': top('maxMemoryBytes'),
  'spec.firmware.type': top('firmware'),
  'spec.firmware.secureBoot': top('secureBoot'),
  'spec.firmware.tpm': top('tpm'),
  'spec.boot.order': top('bootOrder'),
  'spec.boot.kernel.volumeRef': within('boot', 'kernel'),
  'spec.boot.kernel.initrdVolumeRef': within('boot', 'initrd'),
  'spec.boot.kernel.commandLine': within('boot', 'commandLine'),
  'spec.devices.serial': {
    of: ({ serial, serialLog }) => [serial, serialLog],
    take: (to, from) => copied(to, from, 'serial', 'serialLog'),
  },
  'spec.devices.rng': top('rng'),
  'spec.devices.guestAgent': { ...top('guestAgent'), of: ({ guestAgent = false }) => guestAgent },
  // Nothing of a password is written down.
  'spec.devices.graphics': { ...top('graphics'), of: ({ graphics }) => graphics?.type },
  'spec.vsphere.guestId': within('vsphere', 'guestId'),
  'spec.hyperv.memoryBufferPercent': ofHyperv('memoryBufferPercent'),
  'spec.hyperv.comPorts': ofHyperv('comPorts'),
  'spec.xen.mode': within('xen', 'mode'),
  'spec.container.rootVolumeRef': within('container', 'root'),
  'spec.container.init': within('container', 'init'),
  'spec.container.mounts': { ...within('container', 'mounts'), of: ({ container }) => container && mountsText(container.mounts) },
  'spec.container.privileged': within('container', 'privileged'),
  'spec.container.limits': { ...within('container', 'limits'), of: ({ container }) => container?.limits && limitsText(container.limits) },
  ...Object.fromEntries(
    Object.entries(seedFields).map(([kind, field]) => [
      `spec.${field}`,
      { ...top('seed'), of: ({ seed }: MachineShape) => (seed?.kind === kind ? seed.location : undefined) },
    ]),
  ),
};

const isNamed = /^spec\.(disks|interfaces)\[(.+?)\](?:\.(\w+))?$/;

/** What a disk's and an interface's fields are called in a shape, where that is not as in the manifest. */
const keys: Readonly<Record<string, string>> = { volume: 'location', cdrom: 'location' };

/** A path that is none leads nowhere: nothing is there, and nothing is taken. */
function placeOf(path: string): Place {
  const [, list, name, field] = isNamed.exec(path) ?? [];
  if (name === undefined) return plain[path] ?? { of: () => undefined, take: (to) => to };
  return list === 'disks'
    ? placeIn(named.disks, drivesOf, name, field)
    : placeIn(named.interfaces, ({ interfaces }) => interfaces, name, field);
}

function placeIn<T extends { readonly name: string }>(
  { list, fields }: Named<T>,
  all: (shape: MachineShape) => readonly T[],
  name: string,
  field: string | undefined,
): Place {
  const one = (shape: MachineShape) => all(shape).find((each) => each.name === name);
  if (field === undefined) return { of: (shape) => one(shape) && 'present', take: (to, from) => withNamed(to, from, name, list) };
  return {
    of(shape) {
      const its = one(shape);
      return its && fields[`${list}.${field}`]?.of(its);
    },
    take: (to, from) => (field === 'device' ? withNamed(to, from, name, list) : withPart(to, from, name, list, keys[field] ?? field)),
  };
}

const lists = { disks: ['disks', 'cdroms'], interfaces: ['interfaces'] } as const;
type One = { readonly name: string };
const listOf = (shape: MachineShape, key: 'disks' | 'cdroms' | 'interfaces'): readonly One[] => shape[key] ?? [];

/** The whole of it, or without it. Those of its list that are in both keep their order. */
function withNamed(to: MachineShape, from: MachineShape, name: string, list: keyof typeof lists): MachineShape {
  const taken = lists[list].map((key) => {
    const its = listOf(from, key).filter((one) => one.name === name);
    return [key, [...listOf(to, key).filter((one) => one.name !== name), ...its]] as const;
  });
  return { ...to, ...Object.fromEntries(taken.filter(([key, all]) => all.length > 0 || to[key] !== undefined)) };
}

function withPart(to: MachineShape, from: MachineShape, name: string, list: keyof typeof lists, part: string): MachineShape {
  const changed = lists[list].flatMap((key) => {
    const its = listOf(from, key).find((one) => one.name === name);
    if (its === undefined || to[key] === undefined) return [];
    return [[key, listOf(to, key).map((one) => (one.name === name ? copied<object>(one, its, part as never) : one))] as const];
  });
  return { ...to, ...Object.fromEntries(changed) };
}

/** What the shape has there. */
export const valueAt = (shape: MachineShape, path: string): unknown => placeOf(path).of(shape);

/** The first shape, with these fields as the second has them. */
export const withFields = <S extends MachineShape>(to: S, from: MachineShape, paths: readonly string[]): S =>
  paths.reduce((shape, path) => placeOf(path).take(shape, from), to as MachineShape) as S;

/** Each field that a shape says something of, and each that it could have something in and has not. */
export function fieldsIn(shape: MachineShape): readonly (readonly [path: string, value: unknown])[] {
  const ofNamed = <T extends One>({ list, fields }: Named<T>, all: readonly T[]) =>
    all.flatMap((one) => [
      [`spec.${list}[${one.name}]`, 'present'] as const,
      ...Object.entries(fields).flatMap(([field, { of }]) => {
        const value = of(one);
        return value === undefined ? [] : [[`spec.${list}[${one.name}].${field.slice(list.length + 1)}`, value] as const];
      }),
    ]);
  return [
    ...Object.entries(plain).map(([path, { of }]) => [path, of(shape)] as const),
    ...ofNamed(named.disks, drivesOf(shape)),
    ...ofNamed(named.interfaces, shape.interfaces),
  ];
}

/** The fields that a difference is about: a disk and an interface differ in some of theirs. */
export function pathsOf({ field, part, takes }: Difference): readonly string[] {
  if (part?.kind !== 'disk' && part?.kind !== 'interface') return [field];
  const list = part.kind === 'disk' ? 'disks' : 'interfaces';
  return takes.map((taken) => (taken.field === list ? field : `${field}.${taken.field.slice(list.length + 1)}`));
}

const longestText = 128;
const isPlace = /\.(volume|cdrom|volumeRef|initrdVolumeRef|rootVolumeRef|cloudInit|ignition|sysprep)$/;

/** For people: where something lies on the host is not theirs to know. */
export const textOf = (path: string, value: unknown): string => plainText(path, value).replace(/\p{C}/gu, ' ').slice(0, longestText);

function plainText(path: string, value: unknown): string {
  if (value === undefined || value === '' || value === false) return 'none';
  if (path === 'spec.devices.serial')
    return Array.isArray(value) && value[0] === true ? `present${value[1] ? ', written down' : ''}` : 'none';
  if (path === 'spec.container.mounts') return 'mounts';
  if (value === true) return 'present';
  if (path.startsWith('spec.memory.') && Number.isSafeInteger(value)) return formatBytes(value as number);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return isPlace.test(path) ? text.slice(text.lastIndexOf('/') + 1) : text;
}
