import { throwIfAborted, unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { Rows } from '#drivers/https/rows.js';
import { type Contents, partOf, type Range, type WrittenFile } from './contents.js';
import type { Grant, SmbFile, SmbShare } from './smb/client.js';
import type { SmbServer } from './smb/server.js';

/** In bytes: what is sent, or asked for, before the answer is waited for. */
const blockBytes = 4 * 2 ** 20;
/** In milliseconds: for taking away what was not finished. */
const cleaningMs = 5_000;

/** Files of one server, by its shares: of its drives (`d$`), or what a UNC path names. */
export class SmbContents implements Contents, AsyncDisposable {
  readonly #server: SmbServer;
  /** Two who write one file would write one part. */
  readonly #rows = new Rows();

  constructor(server: SmbServer) {
    this.#server = server;
  }

  refusal(): undefined {}

  async reach(path: string, signal: AbortSignal): Promise<void> {
    using _lease = await this.#server.lease(placeOf(path).share, signal);
  }

  async write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal, check?: (file: WrittenFile) => Promise<void>) {
    await this.#write(path, content, signal, { open: (share, part) => share.replace(part, signal), ...(check && { check }) });
  }

  async writeFor(path: string, grants: readonly Grant[], content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#write(path, content, signal, { open: (share, part) => anew(share, part, grants, signal) });
  }

  async #write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal, how: HowWritten): Promise<void> {
    const { share: name, rest } = placeOf(path);
    await this.#rows.through(
      path.toLowerCase(),
      async () => {
        using lease = await this.#server.lease(name, signal);
        await put(lease.share, rest, content, signal, how).catch(async (reason) => {
          await lease.share.delete(partOf(rest), AbortSignal.timeout(cleaningMs)).catch(() => {});
          throw DriverError.from(reason);
        });
      },
      signal,
    );
  }

  async *read(path: string, { offset, length }: Range, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { share: name, rest } = placeOf(path);
    using lease = await this.#server.lease(name, signal);
    await using file = await lease.share.open(rest, 'read', signal);
    const end = Math.min(offset + length, file.size);
    for (let at = offset; at < end; ) {
      throwIfAborted(signal);
      const bytes = await file.read(at, Math.min(blockBytes, end - at), signal);
      if (bytes.length === 0) throw new DriverError('Conflict', `${path}: it has become shorter than ${end} bytes while it was read`);
      yield bytes;
      at += bytes.length;
    }
    throwIfAborted(signal);
  }

  async extend(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const { share: name, rest } = placeOf(path);
    using lease = await this.#server.lease(name, signal);
    await using file = await lease.share.open(rest, 'write', signal);
    if (file.size >= sizeBytes) return;
    await file.write(sizeBytes - 1, new Uint8Array(1), signal);
    await file.flush(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

interface HowWritten {
  /** An empty file of that name. */
  readonly open: (share: SmbShare, part: string) => Promise<SmbFile>;
  readonly check?: (file: WrittenFile) => Promise<void>;
}

/** What is there already has rights of its own, which a server leaves as they are. */
async function anew(share: SmbShare, path: string, grants: readonly Grant[], signal: AbortSignal): Promise<SmbFile> {
  await share.delete(path, signal).catch((reason) => {
    if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
  });
  return share.createFor(path, grants, signal);
}

async function put(
  share: SmbShare,
  path: string,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  { open, check }: HowWritten,
): Promise<void> {
  const part = partOf(path);
  await mustBeFree(share, path, signal);
  {
    await using file = await open(share, part);
    await fill(file, content, signal);
    await check?.({ sizeBytes: file.size, read: (offset, length) => file.read(offset, length, signal) });
    await file.flush(signal);
  }
  await mustBeFree(share, path, signal);
  await share.rename(part, path, true, signal);
}

async function fill(file: SmbFile, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  let at = 0;
  for await (const block of inBlocks(untilAborted(content, signal))) {
    await file.write(at, block, signal);
    at += block.length;
  }
}

/** Windows lets nobody take the name of a file that is open, and calls it a matter of rights; others would let the two part ways. */
async function mustBeFree(share: SmbShare, path: string, signal: AbortSignal): Promise<void> {
  try {
    await using _none = await share.open(path, 'write', signal);
  } catch (reason) {
    if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
  }
}

/** A source that says nothing any more is not waited for. */
async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    iterator.return?.().catch(() => {});
  }
}

async function* inBlocks(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < blockBytes) continue;
    yield Buffer.concat(held);
    [held, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** Each drive is shared by its letter for administrators. @throws DriverError Invalid */
function placeOf(path: string): { readonly share: string; readonly rest: string } {
  const [, letter, onDrive] = /^([a-z]):\\(.+)$/is.exec(path) ?? [];
  if (letter !== undefined && onDrive !== undefined) return { share: `${letter.toLowerCase()}$`, rest: onDrive };
  const [, share, shared] = /^\\\\[^\\]+\\([^\\]+)\\(.+)$/s.exec(path) ?? [];
  if (share !== undefined && shared !== undefined) return { share, rest: shared };
  throw new DriverError(
    'Invalid',
    `path ${JSON.stringify(path)} given; accepted: of a file, as d:\\disks\\a.iso or \\\\server\\share\\a.iso`,
  );
}
