import { DriverError } from '#drivers/error.js';
import { ByteReader } from './byte-reader.js';
import { type PaxWords, readPax } from './pax.js';
import { blockBytes, type Header, readHeader } from './tar-header.js';

/** One thing of an archive. What a file holds is read before the next is asked for, or skipped. */
export interface TarEntry extends Header {
  /** An extended attribute of it that its host does not make by itself, or an access control list. */
  readonly attribute?: string;
  /** Ends after `sizeBytes`. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Whoever needs a longer name, or more words about a file, means no good. */
const mostExtraBytes = 1 << 20;

const corrupt = (what: string): DriverError => new DriverError('Invalid', `the archive is no whole tar: ${what}; publish it again`);

/**
 * Reads a tar archive, as POSIX and GNU write them.
 * @throws DriverError Invalid when it is cut off, or is none
 */
export async function* readTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new ByteReader(archive);
  try {
    yield* entriesOf(reader);
    // What follows is padding; whoever sends it says only at its end whether all was as it should be.
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function* entriesOf(reader: ByteReader): AsyncGenerator<TarEntry, void, undefined> {
  let extra: PaxWords = {};
  for (;;) {
    const block = await reader.take(blockBytes);
    if (block === undefined) throw corrupt('it has no end');
    if (block.every((byte) => byte === 0)) return;
    const header = readHeader(block) ?? refuse('a header has a wrong checksum');
    const said = await extraOf(reader, header);
    if (said !== undefined) {
      extra = { ...extra, ...said };
      continue;
    }
    const entry = { ...header, ...extra };
    extra = {};
    const content = reader.content(entry.kind === 'file' ? entry.sizeBytes : 0);
    yield { ...entry, content };
    for await (const _ of content);
    if (content.left > 0 || (await reader.take(padding(entry.kind === 'file' ? entry.sizeBytes : 0))) === undefined)
      throw corrupt('a file is cut off');
  }
}

const padding = (bytes: number): number => (blockBytes - (bytes % blockBytes)) % blockBytes;

function refuse(what: string): never {
  throw corrupt(what);
}

/** Words about the next entry; undefined when this is an entry itself. */
async function extraOf(reader: ByteReader, { kind, sizeBytes }: Header): Promise<PaxWords | undefined> {
  if (kind !== 'pax' && kind !== 'global' && kind !== 'longName' && kind !== 'longLink') return undefined;
  if (sizeBytes > mostExtraBytes) throw corrupt(`${sizeBytes} bytes of words about one file`);
  const bytes = await reader.take(sizeBytes);
  if (bytes === undefined || (await reader.take(padding(sizeBytes))) === undefined) throw corrupt('it is cut off');
  const text = bytes.toString('utf8').replace(/\0+$/, '');
  if (kind === 'longName') return { path: text };
  if (kind === 'longLink') return { target: text };
  // What is said of all files is said by no tool that makes root file systems.
  return kind === 'global' ? {} : (readPax(bytes) ?? refuse('a pax header is no such thing'));
}
