import { Transform } from 'node:stream';
import type { Output } from './terminal.js';

const width = 30;
const everyMs = 200;

/** Counts what goes through it, and draws how far it is on a terminal. */
export class Progress extends Transform {
  readonly #totalBytes: number;
  readonly #output: Output;
  readonly #began = performance.now();
  #bytes = 0;
  #drawnAt = 0;

  constructor(totalBytes: number, output: Output) {
    super();
    this.#totalBytes = totalBytes;
    this.#output = output;
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: (error: null, chunk: Uint8Array) => void): void {
    this.#bytes += chunk.length;
    const now = performance.now();
    if (now - this.#drawnAt >= everyMs) this.#draw(now);
    done(null, chunk);
  }

  /** Draws the last of it, and leaves the line; nothing when nothing was drawn. */
  finish(): void {
    if (this.#output.isTTY !== true || this.#drawnAt === 0) return;
    this.#draw(performance.now());
    this.#output.write('\n');
  }

  #draw(now: number): void {
    if (this.#output.isTTY !== true) return;
    this.#drawnAt = now;
    this.#output.write(`\r${progressLine(this.#bytes, this.#totalBytes, (now - this.#began) / 1_000)}\x1b[K`);
  }
}

/** `[=====>    ]  50%  1.0 of 2.0 GiB, 100.0 MiB/s`. */
export function progressLine(bytes: number, totalBytes: number, seconds: number): string {
  const part = totalBytes === 0 ? 1 : Math.min(bytes / totalBytes, 1);
  const filled = Math.floor(part * width);
  const bar = `${'='.repeat(filled)}${filled < width ? '>' : ''}`.slice(0, width).padEnd(width);
  const rate = seconds > 0 ? bytes / seconds : 0;
  return `[${bar}] ${`${Math.floor(part * 100)}`.padStart(3)}%  ${inUnits(bytes)} of ${inUnits(totalBytes)}, ${inUnits(rate)}/s`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function inUnits(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${power === 0 ? Math.floor(bytes) : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
