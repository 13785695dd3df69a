import { creditBytes, type Question } from './connection.js';
import { commands } from './header.js';
import { decodeRead, decodeWrite, encodeFlush, encodeRead, encodeWrite } from './messages/file.js';
import { statuses } from './status.js';
import type { Tree } from './tree.js';

/** A file of a share. Reads and writes are cut into pieces, which are under way side by side. */
export interface SmbFile extends AsyncDisposable {
  /** In bytes: what it had when it was opened, or has by what was written since. */
  readonly size: number;
  /** Fewer bytes only where the file ends. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer>;
  write(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Resolves when what was written is on the server's disk. */
  flush(signal: AbortSignal): Promise<void>;
}

const pieceBytes = 2 ** 20;

export class OpenFile implements SmbFile {
  readonly #tree: Tree;
  readonly #path: string;
  readonly #id: Buffer;
  #size: number;

  constructor(tree: Tree, path: string, id: Buffer, size: number) {
    this.#tree = tree;
    this.#path = path;
    this.#id = id;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const most = this.#piece(this.#tree.limits.maxRead);
    const pieces = await together(cut(length, most), (at, bytes) => this.#readWhole(offset + at, bytes, signal));
    // Behind the end of the file nothing comes, even if it grows meanwhile.
    const short = pieces.findIndex((piece, index) => piece.length < Math.min(most, length - index * most));
    return Buffer.concat(short < 0 ? pieces : pieces.slice(0, short + 1));
  }

  async write(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const most = this.#piece(this.#tree.limits.maxWrite);
    await together(cut(bytes.length, most), (at, length) => this.#writeWhole(offset + at, bytes.subarray(at, at + length), signal));
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  async flush(signal: AbortSignal): Promise<void> {
    await this.#ask({ command: commands.flush, body: encodeFlush(this.#id) }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tree.close(this.#id);
  }

  /** No more than the credits that there are can carry; one that is missing is told where it is taken. */
  #piece(most: number): number {
    return Math.max(creditBytes, Math.min(pieceBytes, most, this.#tree.reach));
  }

  async #readWhole(offset: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const body = encodeRead(this.#id, offset, length);
    const answer = await this.#ask({ command: commands.read, body, payload: length }, signal, [statuses.endOfFile]);
    if (answer.header.status === statuses.endOfFile) return Buffer.alloc(0);
    const got = decodeRead(answer.packet, length);
    if (got.length === 0 || got.length === length) return got;
    return Buffer.concat([got, await this.#readWhole(offset + got.length, length - got.length, signal)]);
  }

  async #writeWhole(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const body = encodeWrite(this.#id, offset, bytes);
    const { packet } = await this.#ask({ command: commands.write, body, payload: bytes.length }, signal);
    const written = decodeWrite(packet, bytes.length);
    if (written < bytes.length) await this.#writeWhole(offset + written, bytes.subarray(written), signal);
  }

  #ask(question: Question, signal: AbortSignal, alsoFine: readonly number[] = []) {
    return this.#tree.ask(this.#path, question, signal, alsoFine);
  }
}

interface Piece {
  readonly at: number;
  readonly length: number;
}

function* cut(length: number, most: number): Generator<Piece> {
  for (let at = 0; at < length; at += most) yield { at, length: Math.min(most, length - at) };
}

/** All at once: credits say how many really are under way. */
const together = <T>(pieces: Iterable<Piece>, act: (at: number, length: number) => Promise<T>): Promise<T[]> =>
  Promise.all([...pieces].map(({ at, length }) => act(at, length)));
