import { extensionTypes, type Qcow2Image } from './qcow2-layout.js';
import { corrupt, type Refused } from './refusal.js';

const extendedL2Bit = 1n << 4n;
/** Above these QEMU opens no image either. */
const mostL1Bytes = 32n << 20n;
const mostRefcountTableBytes = 8n << 20n;
const mostBitmaps = 65535;
const mostBitmapDirectoryBytes = 64n << 20n;
/** Host offsets are of 56 bits. */
const mostOffset = 1n << 56n;

/** Whether what the header says of its tables can be true. Where the tables lie in the file is not looked up. */
export function checkTables(image: Qcow2Image): Refused | undefined {
  return checkL1(image) ?? checkRefcounts(image) ?? checkBitmaps(image);
}

function clusterBytes({ header }: Qcow2Image): bigint {
  return 1n << BigInt(header.clusterBits);
}

/** Past the header's cluster and at the start of another. */
function isTableOffset(image: Qcow2Image, offset: bigint): boolean {
  return offset !== 0n && offset < mostOffset && offset % clusterBytes(image) === 0n;
}

function checkL1(image: Qcow2Image): Refused | undefined {
  const { header } = image;
  const l2Bytes = header.incompatible & extendedL2Bit ? 16n : 8n;
  const perEntry = (clusterBytes(image) / l2Bytes) * clusterBytes(image);
  const needed = (header.size + perEntry - 1n) / perEntry;
  const entries = BigInt(header.l1Entries);
  if (entries * 8n > mostL1Bytes) return corrupt(`its L1 table has ${entries} entries, at most ${mostL1Bytes / 8n} are accepted`);
  if (entries < needed) return corrupt(`its L1 table has ${entries} entries, its virtual size needs ${needed}`);
  if (entries > 0n && !isTableOffset(image, header.l1Offset))
    return corrupt(`its L1 table is at offset ${header.l1Offset}, not at a cluster`);
  return undefined;
}

function checkRefcounts(image: Qcow2Image): Refused | undefined {
  const { refcountTableOffset: offset, refcountTableClusters: clusters } = image.header;
  const bytes = BigInt(clusters) * clusterBytes(image);
  if (bytes === 0n || bytes > mostRefcountTableBytes)
    return corrupt(`its refcount table takes ${clusters} clusters, not 1 to ${mostRefcountTableBytes / clusterBytes(image)}`);
  return isTableOffset(image, offset) ? undefined : corrupt(`its refcount table is at offset ${offset}, not at a cluster`);
}

/** Bitmaps of earlier backups do no harm and are kept; only their announcement is checked. */
function checkBitmaps(image: Qcow2Image): Refused | undefined {
  const data = image.extensions.found.find(({ type }) => type === extensionTypes.bitmaps)?.data;
  if (data === undefined) return undefined;
  if (data.length !== 24) return corrupt(`its bitmaps extension has ${data.length} bytes, not 24`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [count, bytes, offset] = [view.getUint32(0), view.getBigUint64(8), view.getBigUint64(16)];
  if (count === 0 || count > mostBitmaps) return corrupt(`it has ${count} bitmaps, not 1 to ${mostBitmaps}`);
  if (bytes > mostBitmapDirectoryBytes || !isTableOffset(image, offset))
    return corrupt(`its bitmap directory is ${bytes} bytes at offset ${offset}`);
  return undefined;
}
