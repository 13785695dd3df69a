import { inflateSync } from 'node:zlib';
import type { Console } from '#drivers/driver.js';
import { vncResponse } from '#drivers/fake/vnc.js';
import { soon } from './stage.js';

/** A viewer of VNC, as far as RFC 6143 goes before the first picture. */
export class Viewer implements AsyncDisposable {
  readonly #server: Console;
  readonly #output: AsyncIterator<Uint8Array>;
  #heard = Buffer.alloc(0);

  constructor(server: Console) {
    this.#server = server;
    this.#output = server.output[Symbol.asyncIterator]();
  }

  async logIn(password: string | undefined): Promise<'let in' | 'refused'> {
    await this.#hear(12);
    await this.#say(Buffer.from('RFB 003.008\n'));
    const [count = 0] = await this.#hear(1);
    const types = await this.#hear(count);
    const type = password === undefined ? 1 : 2;
    if (!types.includes(type)) throw new Error(`the server lets in by ${types.join(', ')}, and not by ${type}`);
    await this.#say(Uint8Array.from([type]));
    if (password !== undefined) await this.#say(vncResponse(await this.#hear(16), password));
    return (await this.#hear(4)).readUInt32BE() === 0 ? 'let in' : 'refused';
  }

  /** Once it is let in. */
  async screen(): Promise<{ readonly width: number; readonly height: number }> {
    await this.#say(Uint8Array.from([1]));
    const told = await this.#hear(24);
    return { width: told.readUInt16BE(0), height: told.readUInt16BE(2) };
  }

  /** Resolves when the server says no more. */
  async ended(): Promise<true> {
    while ((await this.#output.next()).done !== true);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #say(bytes: Uint8Array): Promise<void> {
    return this.#server.write(bytes, soon());
  }

  async #hear(length: number): Promise<Buffer> {
    while (this.#heard.length < length) {
      const { value, done } = await this.#output.next();
      if (done === true) throw new Error(`the server ended after ${this.#heard.length} of ${length} bytes`);
      this.#heard = Buffer.concat([this.#heard, value]);
    }
    const heard = this.#heard.subarray(0, length);
    this.#heard = this.#heard.subarray(length);
    return heard;
  }
}

/** Reads a PNG of eight bits per channel and no filter but the first, and counts its colours. Throws when it is none. */
export function checkPng(bytes: Uint8Array) {
  const png = Buffer.from(bytes);
  if (png.toString('latin1', 0, 16) !== '\x89PNG\r\n\x1a\n\0\0\0\rIHDR') throw new Error('no PNG');
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const rows = inflateSync(Buffer.concat(parts));
  const row = width * 3 + 1;
  if (rows.length !== row * height) throw new Error(`${rows.length} bytes of pixels, ${row * height} expected`);
  const rgb = Buffer.concat(Array.from({ length: height }, (_, y) => rows.subarray(y * row + 1, (y + 1) * row)));
  const colours = new Set<number>();
  for (let at = 0; at < rgb.length; at += 3) colours.add(rgb.readUIntBE(at, 3));
  return { width, height, rgb, colours: colours.size };
}
