import type { Screenshot } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { isPng, type Picture, toPng } from '#drivers/png.js';

/** Of one picture; a screen of 8K has 100 MB. */
const mostBytes = 1 << 27;

/** Newer QEMUs give PNG, older ones a PPM: https://netpbm.sourceforge.net/doc/ppm.html. */
export async function pictureOf(content: AsyncIterable<Uint8Array>): Promise<Screenshot> {
  const bytes = await collect(content);
  return isPng(bytes) ? { mediaType: 'image/png', bytes } : toPng(readPpm(bytes));
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > mostBytes) throw new DriverError('Invalid', `a picture of more than ${mostBytes} bytes was received`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws DriverError Invalid when it is no PPM of 8 bits per channel, or is not all there */
function readPpm(bytes: Buffer): Picture {
  const [header, width, height] = /^P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s/.exec(bytes.toString('latin1', 0, 64)) ?? [];
  if (header === undefined) throw new DriverError('Invalid', 'a picture was received that is neither PNG nor a PPM of 8 bits per channel');
  const picture = { width: Number(width), height: Number(height), rgb: bytes.subarray(header.length) };
  const expected = picture.width * picture.height * 3;
  if (expected === 0 || picture.rgb.length !== expected)
    throw new DriverError('Invalid', `a picture of ${width} by ${height} has ${expected} bytes, ${picture.rgb.length} were received`);
  return picture;
}
