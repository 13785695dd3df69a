import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { DriverError } from '#drivers/error.js';
import { systemClock, within } from '../kubernetes/clock.js';

/** Bytes both ways, of a machine. */
export interface Line extends AsyncDisposable {
  /** Ends when the machine has no more to say. */
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

export type Count = (direction: 'in' | 'out', bytes: number) => void;

/** Who takes nothing for this long is gone, or wants the machine to wait for it. */
const stuckMs = 60_000;

/** Carries bytes between a machine and somebody until one of them ends, or the signal does. Neither is sent more than it takes. */
export async function pipe(line: Line, socket: Duplex, count: Count, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const going = AbortSignal.any([signal, over.signal]);
  const shown = show(line, socket, count, going);
  const typed = listen(line, socket, count, going);
  const ended = new Promise<void>((resolve) => going.addEventListener('abort', () => resolve(), { once: true }));
  try {
    await Promise.race([shown, typed, ended]);
  } finally {
    over.abort();
    for (const half of [shown, typed]) half.catch(() => {});
  }
}

async function show({ output }: Line, socket: Duplex, count: Count, signal: AbortSignal): Promise<void> {
  for await (const bytes of output) {
    if (signal.aborted) return;
    if (bytes.length === 0) continue;
    count('out', bytes.length);
    if (!socket.write(bytes)) await drained(socket, signal);
  }
}

async function drained(socket: Duplex, signal: AbortSignal): Promise<void> {
  await within(systemClock, stuckMs, signal, (limited) =>
    once(socket, 'drain', { signal: limited }).catch((reason) => {
      if (!limited.aborted || signal.aborted) throw reason;
      throw new DriverError('TimedOut', `whoever opened it took nothing for ${stuckMs / 1_000} s`);
    }),
  );
}

/** The socket outlives it: what the machine said last is still on its way out. */
async function listen(line: Line, socket: Readable, count: Count, signal: AbortSignal): Promise<void> {
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
    if (signal.aborted) return;
    count('in', bytes.length);
    await line.write(bytes, signal);
  }
}
