import { looksLike } from './hint.js';
import {
  decodeExtensions,
  decodeHeader,
  extensionTypes,
  featureName,
  headerLength,
  magic,
  oldHeaderLength,
  type Qcow2Image,
} from './qcow2-layout.js';
import { checkTables } from './qcow2-tables.js';
import { checkVirtualSize, corrupt, type HeaderLimits, type HeaderVerdict, type Refused, refuse } from './refusal.js';
import { quoted } from './text.js';

const bits = { dirty: 1n << 0n, corrupt: 1n << 1n, dataFile: 1n << 2n, compressionType: 1n << 3n, extendedL2: 1n << 4n };
const knownBits = Object.values(bits).reduce((all, bit) => all | bit, 0n);
const rawDataFileBit = 1n << 1n;
const convert = 'convert it with "qemu-img convert -O qcow2" first';
const flatten = 'flatten it with "qemu-img convert -O qcow2" first';

type Check = (image: Qcow2Image, limits: HeaderLimits) => Refused | undefined;

/** What can reach beyond the image comes first, so that a hostile image is called that rather than merely broken; lengths come before what is reckoned from them. */
const checks: readonly Check[] = [
  checkBackingFile,
  checkDataFile,
  checkEncryption,
  checkUnknownFeatures,
  checkState,
  checkLengths,
  checkBackingFormat,
  checkCompression,
  checkSnapshots,
  checkTables,
  checkSize,
];

export function inspectQcow2(head: Uint8Array, limits: HeaderLimits): HeaderVerdict {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const refused = checkBeginning(head, view);
  if (refused !== undefined) return refused;
  const header = decodeHeader(view);
  const image = { head, header, extensions: decodeExtensions(head, header) };
  for (const check of checks) {
    const found = check(image, limits);
    if (found !== undefined) return found;
  }
  return { kind: 'accepted', virtualSizeBytes: Number(header.size) };
}

function checkBeginning(head: Uint8Array, view: DataView): Refused | undefined {
  if (head.length < 8 || view.getUint32(0) !== magic) return notQcow2(head);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3)
    return refuse('UnknownVersion', `the image is qcow2 version ${version}; versions 2 and 3 are accepted`);
  const needed = version === 2 ? oldHeaderLength : headerLength;
  if (head.length >= needed) return undefined;
  return refuse('Truncated', `the image is ${head.length} bytes in all, its header alone takes ${needed}; publish it again in full`);
}

function notQcow2(head: Uint8Array): Refused {
  const begin = Buffer.from(head.subarray(0, 4)).toString('hex') || 'nothing';
  return refuse(
    'NotThisFormat',
    `the image is declared Qcow2 but begins with ${begin}, not 514649fb${looksLike(head)}; declare its real format, or convert it with "qemu-img convert -O qcow2"`,
  );
}

function checkBackingFile({ head, header }: Qcow2Image): Refused | undefined {
  if (header.backingOffset === 0n) return undefined;
  const start = Number(header.backingOffset);
  const name = head.subarray(start, start + Math.min(header.backingLength, 1023));
  const named = name.length === 0 ? 'has a backing file' : `names a backing file ${quoted(name)}`;
  return refuse('BackingFile', `the image ${named}; only images that stand alone are accepted: ${flatten}`);
}

function checkDataFile({ header, extensions }: Qcow2Image): Refused | undefined {
  const name = extensions.found.find(({ type }) => type === extensionTypes.dataFile)?.data;
  if (name === undefined && (header.incompatible & bits.dataFile) === 0n && (header.autoclear & rawDataFileBit) === 0n) return undefined;
  const named = name === undefined ? 'in another file' : `in another file, ${quoted(name)}`;
  return refuse('DataFile', `the image keeps its data ${named}; only images that stand alone are accepted: ${flatten}`);
}

const cryptMethods = ['none', 'AES', 'LUKS'];

function checkEncryption({ header, extensions }: Qcow2Image): Refused | undefined {
  const pointer = extensions.found.some(({ type }) => type === extensionTypes.encryption);
  if (header.cryptMethod === 0 && !pointer) return undefined;
  const method = header.cryptMethod === 0 ? 'an encryption header' : (cryptMethods[header.cryptMethod] ?? `method ${header.cryptMethod}`);
  return refuse(
    'Encrypted',
    `the image is encrypted (${method}); only plain images are accepted: decrypt it with "qemu-img convert" first`,
  );
}

function checkUnknownFeatures({ header, extensions }: Qcow2Image): Refused | undefined {
  const unknown = header.incompatible & ~knownBits;
  if (unknown === 0n) return undefined;
  const bit = (unknown & -unknown).toString(2).length - 1;
  const name = featureName(extensions, bit);
  const called = name === undefined ? '' : `, which it calls ${quoted(name)}`;
  return refuse('UnknownFeature', `the image needs incompatible feature ${bit}${called}; 0 to 4 are known here: ${convert}`);
}

function checkState({ header }: Qcow2Image): Refused | undefined {
  if (header.incompatible & bits.corrupt) return corrupt('it is marked as corrupt');
  if (header.incompatible & bits.dirty)
    return refuse(
      'Dirty',
      'the image was in use when it was copied, or never closed; run "qemu-img check -r all" on it and publish it again',
    );
  return undefined;
}

function checkLengths({ header, extensions }: Qcow2Image): Refused | undefined {
  const { clusterBits, headerLength: length } = header;
  const least = header.incompatible & bits.extendedL2 ? 14 : 9;
  if (clusterBits < least || clusterBits > 21) return corrupt(`cluster_bits is ${clusterBits}, not ${least} to 21`);
  if (header.version === 3 && (length < headerLength || length % 8 !== 0 || length > 2 ** clusterBits))
    return corrupt(`header_length is ${length}, not a multiple of 8 from ${headerLength} up to a cluster`);
  if (header.refcountOrder > 6) return corrupt(`refcount_order is ${header.refcountOrder}, not 0 to 6`);
  return extensions.broken === undefined ? undefined : corrupt(extensions.broken);
}

function checkBackingFormat({ extensions }: Qcow2Image): Refused | undefined {
  const format = extensions.found.find(({ type }) => type === extensionTypes.backingFormat)?.data;
  if (format === undefined || format.length === 0) return undefined;
  return refuse('BackingFile', `the image names the format of a backing file, ${quoted(format)}, but no such file: ${flatten}`);
}

function checkCompression({ header }: Qcow2Image): Refused | undefined {
  const announced = (header.incompatible & bits.compressionType) !== 0n;
  if (announced !== (header.compressionType !== 0)) return corrupt('its compression type and its compression feature bit do not agree');
  if (header.compressionType <= 1) return undefined;
  return refuse(
    'UnknownFeature',
    `the image is compressed by method ${header.compressionType}; 0 (zlib) and 1 (zstd) are accepted: ${convert}`,
  );
}

/** A snapshot brings a size and a device state of its own, neither of which the header shows. */
function checkSnapshots({ header }: Qcow2Image): Refused | undefined {
  if (header.snapshots === 0) return undefined;
  return refuse(
    'Snapshots',
    `the image holds ${header.snapshots} internal snapshots, none are accepted; "qemu-img convert -O qcow2" leaves them out`,
  );
}

function checkSize({ header }: Qcow2Image, limits: HeaderLimits): Refused | undefined {
  return checkVirtualSize(header.size, limits);
}
