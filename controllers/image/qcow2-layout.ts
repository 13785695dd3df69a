/** The layout of a qcow2 header, versions 2 and 3, after QEMU's docs/interop/qcow2. Decodes; judges nothing. */
export const magic = 0x5146_49fb;
export const oldHeaderLength = 72;
export const headerLength = 104;

export interface Qcow2Header {
  readonly version: number;
  readonly backingOffset: bigint;
  readonly backingLength: number;
  readonly clusterBits: number;
  /** What the guest sees, in bytes. */
  readonly size: bigint;
  readonly cryptMethod: number;
  readonly l1Entries: number;
  readonly l1Offset: bigint;
  readonly refcountTableOffset: bigint;
  readonly refcountTableClusters: number;
  readonly snapshots: number;
  readonly incompatible: bigint;
  readonly autoclear: bigint;
  readonly refcountOrder: number;
  readonly headerLength: number;
  readonly compressionType: number;
}

/** Needs `oldHeaderLength` bytes for version 2, `headerLength` for any other. */
export function decodeHeader(view: DataView): Qcow2Header {
  return {
    version: view.getUint32(4),
    backingOffset: view.getBigUint64(8),
    backingLength: view.getUint32(16),
    clusterBits: view.getUint32(20),
    size: view.getBigUint64(24),
    cryptMethod: view.getUint32(32),
    l1Entries: view.getUint32(36),
    l1Offset: view.getBigUint64(40),
    refcountTableOffset: view.getBigUint64(48),
    refcountTableClusters: view.getUint32(56),
    snapshots: view.getUint32(60),
    ...(view.getUint32(4) === 2 ? oldDefaults : decodeNewFields(view)),
  };
}

const oldDefaults = { incompatible: 0n, autoclear: 0n, refcountOrder: 4, headerLength: oldHeaderLength, compressionType: 0 };

function decodeNewFields(view: DataView): typeof oldDefaults {
  const length = view.getUint32(100);
  return {
    incompatible: view.getBigUint64(72),
    autoclear: view.getBigUint64(88),
    refcountOrder: view.getUint32(96),
    headerLength: length,
    compressionType: length > headerLength && view.byteLength > headerLength ? view.getUint8(headerLength) : 0,
  };
}

/** A decoded header with what follows it. */
export interface Qcow2Image {
  readonly head: Uint8Array;
  readonly header: Qcow2Header;
  readonly extensions: Extensions;
}

export const extensionTypes = {
  end: 0,
  backingFormat: 0xe279_2aca,
  featureNames: 0x6803_f857,
  bitmaps: 0x2385_2875,
  encryption: 0x0537_be77,
  dataFile: 0x4441_5441,
} as const;

export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The header extensions, up to the first that does not fit; `broken` says how, if so. */
export interface Extensions {
  readonly found: readonly Extension[];
  readonly broken?: string;
}

const mostExtensions = 64;

/** They run from the end of the header to the end of the first cluster, of which the head may be only the beginning. */
export function decodeExtensions(head: Uint8Array, header: Qcow2Header): Extensions {
  const end = Math.min(head.length, 2 ** header.clusterBits);
  const found: Extension[] = [];
  for (let at = header.headerLength; at !== end; ) {
    const next = decodeExtension(head, at, end);
    if (typeof next === 'string') return { found, broken: next };
    if (next.type === extensionTypes.end) return { found };
    if (found.length === mostExtensions) return { found, broken: `it has more than ${mostExtensions} header extensions` };
    if (found.some(({ type }) => type === next.type)) return { found, broken: `header extension ${next.type.toString(16)} appears twice` };
    found.push(next);
    at += 8 + Math.ceil(next.data.length / 8) * 8;
  }
  return end < 2 ** header.clusterBits ? { found, broken: endless } : { found };
}

const endless = 'its header extensions have no end';

function decodeExtension(head: Uint8Array, at: number, end: number): Extension | string {
  if (at + 8 > end) return endless;
  const view = new DataView(head.buffer, head.byteOffset + at, 8);
  const [type, length] = [view.getUint32(0), view.getUint32(4)];
  if (type === extensionTypes.end) return { type, data: new Uint8Array() };
  if (length > end - at - 8) return `a header extension claims ${length} bytes, more than there are`;
  return { type, data: head.subarray(at + 8, at + 8 + length) };
}

/** What the image calls an incompatible feature, undefined when it does not say. */
export function featureName(extensions: Extensions, bit: number): Uint8Array | undefined {
  const table = extensions.found.find(({ type }) => type === extensionTypes.featureNames)?.data ?? new Uint8Array();
  for (let at = 0; at + 48 <= table.length; at += 48) {
    if (table[at] !== 0 || table[at + 1] !== bit) continue;
    const name = table.subarray(at + 2, at + 48);
    const end = name.indexOf(0);
    return end < 0 ? name : name.subarray(0, end);
  }
  return undefined;
}
