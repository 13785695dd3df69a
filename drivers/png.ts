import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import type { Screenshot } from './driver.js';

/** Rows of pixels from the top, each a byte of red, green and blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** RFC 2083: eight bits per channel, no alpha, no filter. */
const [depth, trueColour, noFilter] = [8, 2, 0];

export async function toPng(picture: Picture): Promise<Screenshot> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header.set([depth, trueColour], 8);
  const pixels = await promisify(deflate)(filtered(picture));
  const bytes = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
  return { mediaType: 'image/png', bytes };
}

export const isPng = (bytes: Uint8Array): boolean => signature.equals(bytes.subarray(0, signature.length));

/** Each row has its filter before it. */
function filtered({ width, height, rgb }: Picture): Buffer {
  const [row, out] = [width * 3, Buffer.alloc(height * (width * 3 + 1), noFilter)];
  for (let y = 0; y < height; y++) out.set(rgb.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return out;
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
