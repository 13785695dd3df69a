import type { DiskCache, DiskIo, DiskLimits, MachineDisk } from '#drivers/driver.js';
import { withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { wholeNumber } from './units.js';
import { type DiskWords, qemuDisks } from './words.js';

/** How a disk is served: what the guest does not see. */
export type Tuning = Pick<MachineDisk, 'cache' | 'io' | 'discard' | 'limits'>;

const caches: Readonly<Record<DiskCache, string>> = {
  None: 'none',
  WriteBack: 'writeback',
  WriteThrough: 'writethrough',
  DirectSync: 'directsync',
  Unsafe: 'unsafe',
};
const ios: Readonly<Record<DiskIo, string>> = { Native: 'native', Threads: 'threads', IoUring: 'io_uring' };
const discards = { Ignore: 'ignore', Unmap: 'unmap' } as const;

export const diskCaches = Object.keys(caches) as readonly DiskCache[];
export const diskIos = Object.keys(ios) as readonly DiskIo[];
export const diskDiscards = Object.keys(discards) as readonly (keyof typeof discards)[];

/** In libvirt's words, in the XML and in its calls. */
const limitNames: Readonly<Record<keyof DiskLimits, string>> = {
  totalIops: 'total_iops_sec',
  readIops: 'read_iops_sec',
  writeIops: 'write_iops_sec',
  totalBytes: 'total_bytes_sec',
  readBytes: 'read_bytes_sec',
  writeBytes: 'write_bytes_sec',
};
const limits = Object.entries(limitNames) as readonly (readonly [keyof DiskLimits, string])[];

const wordFor = <K extends string>(words: Readonly<Record<K, string>>, native: string | undefined): K | undefined =>
  (Object.keys(words) as K[]).find((word) => words[word] === native);

export function readTuning(disk: XmlElement): Tuning {
  const driver = child(disk, 'driver');
  const cache = wordFor(caches, attribute(driver, 'cache'));
  const io = wordFor(ios, attribute(driver, 'io'));
  const discard = wordFor(discards, attribute(driver, 'discard'));
  const limited = readLimits(child(disk, 'iotune'));
  return {
    ...(cache === undefined ? {} : { cache }),
    ...(io === undefined ? {} : { io }),
    ...(discard === undefined ? {} : { discard }),
    ...(Object.keys(limited).length === 0 ? {} : { limits: limited }),
  };
}

function readLimits(iotune: XmlElement | undefined): DiskLimits {
  const told = limits.map(([limit, name]) => [limit, wholeNumber(textOf(child(iotune, name)))] as const);
  return Object.fromEntries(told.filter(([, most]) => most !== undefined && most > 0));
}

/** What is absent in `wanted` stays. */
export function withTuning(disk: XmlElement, { cache, io, discard, limits: wanted }: Tuning, words: DiskWords = qemuDisks): XmlElement {
  const served = withChild(disk, element('driver', { name: words.driver('Raw') }), (driver) => {
    const cached = cache === undefined ? driver : withAttribute(driver, 'cache', caches[cache]);
    const queued = io === undefined ? cached : withAttribute(cached, 'io', ios[io]);
    return discard === undefined ? queued : withAttribute(queued, 'discard', discards[discard]);
  });
  return wanted === undefined ? served : withLimits(served, wanted);
}

/** Bursts and the like, which others may have set, stay beside them. */
function withLimits(disk: XmlElement, wanted: DiskLimits): XmlElement {
  const edited = withChild(disk, element('iotune'), (iotune) => {
    const limited = limits.reduce((each, [limit, name]) => withLimit(each, name, wanted[limit]), iotune);
    return elements(limited).length === 0 ? undefined : limited;
  });
  return edited;
}

function withLimit(iotune: XmlElement, name: string, most: number | undefined): XmlElement {
  if (most === undefined) return withoutChildren(iotune, (each) => each.name === name);
  return withChild(iotune, element(name), (each) => withText(each, `${most}`));
}

/** All limits of a disk under their native names, 0 for none. */
export function nativeLimits(wanted: DiskLimits = {}): readonly { readonly field: string; readonly most: bigint }[] {
  return limits.map(([limit, field]) => ({ field, most: BigInt(wanted[limit] ?? 0) }));
}
