import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is served under one path. */
export interface Image {
  readonly bytes: Uint8Array;
  /** Only this many bytes are sent until `release`. */
  readonly heldAt?: number;
  /** With one, parts are given to whoever names it. */
  readonly etag?: string;
}

/** An http server on loopback whose images can be held in mid-flight. */
export class ImageServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #images = new Map<string, Image>();
  readonly #released = new Set<string>();
  readonly #asked = new Map<string, number>();
  readonly #held = new Map<string, number>();
  readonly #from = new Map<string, number[]>();

  static async start(): Promise<ImageServer> {
    const images = new ImageServer();
    images.#server.listen(0, '127.0.0.1');
    await once(images.#server, 'listening');
    return images;
  }

  /** Gives the URL of it. */
  put(name: string, image: Image): string {
    this.#images.set(`/${name}`, image);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }

  /** How often it was asked for. */
  asked(name: string): number {
    return this.#asked.get(`/${name}`) ?? 0;
  }

  /** From which byte on each asker was given it, in order. */
  given(name: string): readonly number[] {
    return this.#from.get(`/${name}`) ?? [];
  }

  /** Resolves when this many askers were given all up to where the image is held. */
  async untilHeld(name: string, times: number): Promise<void> {
    while ((this.#held.get(`/${name}`) ?? 0) < times) await sleep(20);
  }

  /** All who wait for the rest get it, and who comes later gets all. */
  release(name: string): void {
    this.#released.add(`/${name}`);
  }

  async #answer({ url: path = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const image = this.#images.get(path);
    this.#asked.set(path, (this.#asked.get(path) ?? 0) + 1);
    if (image === undefined) return void response.writeHead(404).end();
    const { bytes, heldAt, etag } = image;
    const [, asked] = (etag !== undefined && headers['if-range'] === etag && /^bytes=(\d+)-$/.exec(headers.range ?? '')) || [];
    const from = Number(asked ?? 0);
    this.#from.set(path, [...(this.#from.get(path) ?? []), from]);
    const part = asked === undefined ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    const tag = etag === undefined ? {} : { etag };
    response.writeHead(asked === undefined ? 200 : 206, { 'content-length': bytes.length - from, ...part, ...tag });
    if (heldAt === undefined || this.#released.has(path)) return void response.end(bytes.subarray(from));
    response.write(bytes.subarray(from, heldAt), () => this.#held.set(path, (this.#held.get(path) ?? 0) + 1));
    while (!this.#released.has(path) && !response.destroyed) await sleep(20);
    response.end(bytes.subarray(heldAt));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
