import { nonsense } from './nonsense.js';

const marks = [
  { encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', bytes: [0xfe, 0xff] },
  // Without a mark, by the first of XML's own characters.
  { encoding: 'utf-16le', bytes: [0x3c, 0x00] },
  { encoding: 'utf-16be', bytes: [0x00, 0x3c] },
] as const;

/** Hosts write UTF-8, and may write UTF-16, as the bytes show; a mark before the text is none of it. @throws DriverError Internal for neither */
export function textIn(body: Buffer): string {
  const encoding = marks.find(({ bytes }) => bytes.every((byte, at) => body[at] === byte))?.encoding ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch (reason) {
    throw nonsense(`it is no text in ${encoding.toUpperCase()}`, reason);
  }
}
