import { setTimeout as sleep } from 'node:timers/promises';
import type { Line } from './pipe.js';

/** What was written down of a console, as far as anybody wants to read it. */
export interface Written {
  /** The last of it, up to now. */
  past(signal: AbortSignal): Promise<Uint8Array>;
  /** What came since. */
  since(signal: AbortSignal): Promise<Uint8Array>;
}

/** QEMU looks once a second whether somebody is at the other end of its terminal, and until then tells them nothing. */
const noticedMs = 1_200;

/**
 * A console that begins with what was printed before it was opened. Both the log and the line have what is printed while it is being opened; the
 * line may lack its beginning. What both have is said once.
 */
export function withHistory(line: Line, written: Written, signal: AbortSignal): Line {
  return {
    output: remembered(line.output, written, signal),
    write: (bytes, until) => line.write(bytes, until),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

async function* remembered(live: AsyncIterable<Uint8Array>, written: Written, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const heard = new Heard(live);
  yield await written.past(signal);
  await heard.forAWhile(noticedMs, signal);
  const missed = await written.since(signal);
  yield missed;
  yield* heard.from(twice(missed, heard.soFar()));
}

/**
 * How many bytes at the head of what is heard are at the end of what was read already; or from where all of it is in what was read. A guest
 * says what it likes, and looks are many where it repeats itself: by Knuth, Morris and Pratt no byte is looked at for each of the others.
 */
export function twice(read: Uint8Array, heard: Uint8Array): number {
  if (heard.length === 0) return 0;
  const fallbacks = fallbacksIn(heard);
  let alike = 0;
  for (const [at, byte] of read.entries()) {
    alike = longer(alike, byte, heard, fallbacks);
    if (alike === heard.length) return read.length - (at + 1 - alike);
  }
  return alike;
}

/** For each length of its head: of what ends there, how much is a shorter head again. */
function fallbacksIn(heard: Uint8Array): Uint32Array {
  const fallbacks = new Uint32Array(heard.length + 1);
  for (let at = 1; at < heard.length; at++) fallbacks[at + 1] = longer(fallbacks[at] ?? 0, heard[at], heard, fallbacks);
  return fallbacks;
}

/** How much of the head of `heard` there is behind one more byte. */
function longer(before: number, byte: number | undefined, heard: Uint8Array, fallbacks: Uint32Array): number {
  let alike = before;
  while (alike > 0 && heard[alike] !== byte) alike = fallbacks[alike] ?? 0;
  return heard[alike] === byte ? alike + 1 : 0;
}

/** Reads on while nobody asks, for a moment: what came is kept until it is asked for. Whoever disposes of the line ends it. */
class Heard {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #kept: Uint8Array[] = [];
  #next: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(live: AsyncIterable<Uint8Array>) {
    this.#chunks = live[Symbol.asyncIterator]();
  }

  soFar(): Uint8Array {
    return Buffer.concat(this.#kept);
  }

  async forAWhile(ms: number, signal: AbortSignal): Promise<void> {
    const over = sleep(ms, 'over' as const, { signal }).catch(() => 'over' as const);
    for (;;) {
      this.#next ??= this.#chunks.next();
      const came = await Promise.race([this.#next, over]);
      if (came === 'over' || came.done === true) return;
      this.#kept.push(came.value);
      this.#next = undefined;
    }
  }

  /** All of it, but for the first bytes. */
  async *from(skippedBytes: number): AsyncGenerator<Uint8Array> {
    let skip = skippedBytes;
    for await (const chunk of this.#all()) {
      const rest = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  }

  async *#all(): AsyncGenerator<Uint8Array> {
    yield* this.#kept.splice(0);
    for (;;) {
      const { done, value } = await (this.#next ?? this.#chunks.next());
      this.#next = undefined;
      if (done === true) return;
      yield value;
    }
  }
}
