import { headBytes, inspectHeader } from '#controllers/image/header.js';
import { inspectVhdx } from '#controllers/image/vhdx.js';
import { DriverError } from '#drivers/error.js';
import { pictureOf } from '#drivers/libvirt/picture.js';
import { crc32c } from '#simulators/hyperv/disks/crc32c.js';
import { seedTexts, type Target, unlessRejected } from '../target.js';

const limits = { virtualSizeBytes: 2 ** 30 };

/** The header of a Qcow2 of version 3 with clusters of 64 KiB, 1 MiB in size; the tables lie behind what is bred. */
function qcow2(): Buffer {
  const head = Buffer.alloc(120);
  head.write('QFI\xfb', 'latin1');
  for (const [at, value] of [
    [4, 3],
    [20, 16],
    [36, 1],
    [44, 0x30000],
    [52, 0x10000],
    [56, 1],
    [96, 4],
    [100, 104],
  ] as const)
    head.writeUInt32BE(value, at);
  head.writeBigUInt64BE(1n << 20n, 24);
  return head;
}

/** A sparse VMDK with its description in the second sector. */
function vmdk(): Buffer {
  const head = Buffer.alloc(1_536);
  head.write('KDMV');
  head.writeUInt32LE(3, 4);
  for (const [at, value] of [
    [12, 2048n],
    [28, 1n],
    [36, 2n],
  ] as const)
    head.writeBigUInt64LE(value, at);
  head.write('# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="streamOptimized"\nRW 2048 SPARSE "a.vmdk"\n', 512);
  return head;
}

/** All a VHDX's tables are beyond 64 KiB: what is bred is spread over where they lie. */
const tables = [0, 64, 128, 192, 256, 320].map((kib) => kib * 1_024);
const vhdx = Buffer.concat([
  pad('vhdxfile'),
  pad('head'),
  pad('head'),
  pad('regi\0\0\0\0\x01\0\0\0'),
  pad('regi\0\0\0\0\x01\0\0\0'),
  pad('metadata\0\0\x01\0'),
]);

function pad(text: string): Buffer {
  const block = Buffer.alloc(96);
  block.write(text, 'latin1');
  return block;
}

const spread = (bytes: Buffer) => async (offset: number, length: number) => {
  const out = Buffer.alloc(length);
  const size = Math.max(1, Math.floor(bytes.length / tables.length));
  const at = tables.findLastIndex((table) => table <= offset);
  bytes.copy(out, 0, Math.min(bytes.length, at * size + offset - (tables[at] ?? 0)), Math.min(bytes.length, (at + 1) * size));
  // With a wrong checksum nothing behind the header would be read.
  if (out.toString('latin1', 0, 4) === 'head') out.writeUInt32LE(crc32c(out.fill(0, 4, 8)), 4);
  return out;
};

export const imageTargets: readonly Target[] = [
  {
    name: 'image-headers',
    seeds: [qcow2(), vmdk(), vhdx],
    read: (bytes) => {
      const head = bytes.subarray(0, headBytes);
      for (const format of ['Raw', 'Qcow2', 'Vmdk', 'Vhdx'] as const) inspectHeader(format, head, limits);
    },
  },
  { name: 'image-vhdx', seeds: [vhdx], read: async (bytes) => void (await inspectVhdx(spread(bytes), limits)) },
  {
    name: 'screen-picture',
    seeds: [...seedTexts('P6\n1 1\n255\nabc', 'P6 2 1 255 abcdef'), Buffer.from('89504e470d0a1a0a00', 'hex')],
    read: async (bytes) => void (await unlessRejected([DriverError], pictureOf(inTwo(bytes)))),
  },
];

async function* inTwo(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.length >> 1);
  yield bytes.subarray(bytes.length >> 1);
}
