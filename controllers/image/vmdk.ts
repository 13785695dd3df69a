import { looksLike } from './hint.js';
import { checkVirtualSize, type HeaderLimits, type HeaderVerdict, type Refused, refuse } from './refusal.js';
import { quoted } from './text.js';

/** VMware's Virtual Disk Format 5.0: the head of a sparse extent, little-endian, in sectors of 512 bytes. */
const sectorBytes = 512;
const headerBytes = 79;
const magic = 'KDMV';
/** A file of one sparse extent, and the same compressed for transport. */
const acceptedTypes = ['monolithicSparse', 'streamOptimized'];
const convert = 'publish it as one file: "qemu-img convert -O vmdk -o subformat=streamOptimized"';

/**
 * Accepts a VMDK that is one file and all there is: its description, which names further files and parents, is inside and says so. What is at
 * the end of a streamed one repeats its head; nothing is opened because of it.
 */
export function inspectVmdk(head: Uint8Array, limits: HeaderLimits): HeaderVerdict {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (bytes.length < headerBytes || bytes.toString('latin1', 0, 4) !== magic) return notVmdk(head);
  const version = bytes.readUInt32LE(4);
  if (version < 1 || version > 3) return refuse('UnknownVersion', `the image is VMDK version ${version}; versions 1 to 3 are accepted`);
  const capacity = bytes.readBigUInt64LE(12);
  const [start, length] = [bytes.readBigUInt64LE(28), bytes.readBigUInt64LE(36)];
  if (capacity === 0n) return refuse('DataFile', `the image keeps its data in other files; ${convert}`);
  const end = (start + length) * BigInt(sectorBytes);
  // Readers look for a parent behind the first sector, whatever the head says.
  if (start !== 1n || length === 0n || end > BigInt(bytes.length)) return broken('its description is not in its second sector');
  const refused = inspectDescription(bytes.toString('latin1', sectorBytes));
  if (refused !== undefined) return refused;
  const size = capacity * BigInt(sectorBytes);
  return checkVirtualSize(size, limits) ?? { kind: 'accepted', virtualSizeBytes: Number(size) };
}

/** All behind the first sector, as not every reader ends where the description does; lines of it alone may say what it is. */
function inspectDescription(all: string): Refused | undefined {
  const [text = ''] = all.split('\0', 1);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const valuesOf = (key: string) => lines.flatMap((line) => new RegExp(`^${key}\\s*=\\s*"?([^"]*)"?$`, 'i').exec(line)?.[1] ?? []);
  const parent = /parentFileNameHint.{0,200}/i.exec(all)?.[0] ?? /parentCID(?!\s*=\s*ffffffff\b).{0,20}/i.exec(all)?.[0];
  if (parent !== undefined)
    return refuse('BackingFile', `the image names a parent (${quoted(parent)}); only images that stand alone are accepted: ${convert}`);
  const [type, ...moreTypes] = valuesOf('createType');
  if (type === undefined || moreTypes.length > 0 || !acceptedTypes.includes(type))
    return refuse('DataFile', `the image is a ${quoted(type ?? 'nothing')} VMDK, ${acceptedTypes.join(' and ')} are accepted: ${convert}`);
  const extents = lines.filter((line) => /^(RW|RDONLY|NOACCESS)\s/i.test(line));
  const [extent = ''] = extents;
  if (extents.length === 1 && /^RW\s+\d+\s+SPARSE\s+"[^"/\\]*"$/.test(extent)) return undefined;
  return refuse(
    'DataFile',
    `the image is described as ${quoted(extents.join('; '))}, one sparse extent in the file itself is accepted: ${convert}`,
  );
}

const broken = (what: string): Refused => refuse('Corrupt', `the image's VMDK header is broken: ${what}; ${convert}`);

function notVmdk(head: Uint8Array): Refused {
  const begin = Buffer.from(head.subarray(0, 4)).toString('hex') || 'nothing';
  const remedy = Buffer.from(head.subarray(0, 20)).toString('latin1') === '# Disk DescriptorFil' ? convert : 'declare its real format';
  return refuse('NotThisFormat', `the image is declared Vmdk but begins with ${begin}, not 4b444d56${looksLike(head)}; ${remedy}`);
}
