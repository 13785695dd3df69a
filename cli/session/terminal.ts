import { once } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';

export type Input = Readable & Partial<Pick<NodeJS.ReadStream, 'isTTY' | 'setRawMode'>>;
export type Output = Writable & { readonly isTTY?: boolean };

/** The process's own streams, or others. */
export interface Terminal {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Ctrl-], which no shell and no editor wants. */
const leaveByte = 0x1d;

/**
 * Connects a terminal to a line, byte for byte, until Ctrl-] is typed, the line or the input ends, or the signal comes. What the terminal was
 * before, it is again afterwards, however this ends.
 */
export async function attach({ stdin, stdout }: Terminal, line: Duplex, signal: AbortSignal): Promise<void> {
  const raw = stdin.isTTY === true;
  if (raw) stdin.setRawMode?.(true);
  const over = new AbortController();
  const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal }));
  try {
    await Promise.race([show(line, stdout), type(stdin, line, raw), left]);
  } finally {
    over.abort();
    if (raw) stdin.setRawMode?.(false);
    stdin.pause();
    line.destroy();
  }
}

async function show(line: Duplex, stdout: Output): Promise<void> {
  try {
    for await (const bytes of line.iterator({ destroyOnReturn: false })) if (!stdout.write(bytes)) await once(stdout, 'drain');
  } catch {
    // Cut off is over, too.
  }
}

async function type(stdin: Input, line: Duplex, raw: boolean): Promise<void> {
  for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    const leaves = raw ? bytes.indexOf(leaveByte) : -1;
    const said = leaves < 0 ? bytes : bytes.subarray(0, leaves);
    if (said.length > 0 && !line.write(said)) await once(line, 'drain');
    if (leaves >= 0) return;
  }
}
