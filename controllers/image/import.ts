import type { IncomingMessage } from 'node:http';
import type { Begun } from './begun.js';
import { type Checksum, verified } from './checksum.js';
import { ImageError } from './error.js';
import { type FetchOptions, openImage } from './fetch.js';
import type { ImageFormat } from './format.js';
import { headBytes, inspectHeader } from './header.js';
import type { RemoteImage } from './remote.js';
import { receiveImage } from './upload.js';

/** What an image is said to be. */
export interface Declared {
  /** As declared by the user; never guessed. */
  readonly format: ImageFormat;
  readonly checksum?: Checksum;
}

export interface ImageSource extends Declared {
  readonly url: string;
}

export interface SourceLimits extends Omit<FetchOptions, 'maxBytes'> {
  /** The volume's size in bytes: what the guest may see at most. */
  readonly virtualSizeBytes: number;
}

type Limits = Pick<SourceLimits, 'virtualSizeBytes'>;

/** An image whose header was accepted. Dispose of it unless its content was read to the end. */
export interface OpenSource extends AsyncDisposable {
  /** What `Volumes.upload` takes. Throws at its end when the image was not whole or not what its checksum says. */
  readonly content: AsyncIterable<Uint8Array>;
  /** What the guest will see, where the header says it. */
  readonly virtualSizeBytes?: number;
  /** As the server announces it. */
  readonly totalBytes?: number;
  /** Bytes handed on so far, with those that were there before. */
  readonly progressBytes: number;
  /** As `RemoteImage.validator`. */
  readonly validator?: string;
}

/** Fetches an image up to its header and judges that; not a byte is handed on of an image that is refused. Rejects with an ImageError. */
export async function openSource(source: ImageSource, limits: SourceLimits, signal: AbortSignal): Promise<OpenSource> {
  const image = await openImage(source.url, fetching(source, limits), signal);
  return judged(image, source, limits);
}

/** The same of an image that somebody sends. */
export async function openUpload(request: IncomingMessage, declared: Declared, limits: Limits, signal: AbortSignal): Promise<OpenSource> {
  return judged(receiveImage(request, mostFileBytes(declared.format, limits.virtualSizeBytes), signal), declared, limits);
}

async function judged(image: RemoteImage, source: Declared, limits: Limits): Promise<OpenSource> {
  try {
    return opened(image, source, await accepted(image, source, limits));
  } catch (reason) {
    await image[Symbol.asyncDispose]();
    throw reason;
  }
}

/**
 * Fetches what is missing of an image of which the first bytes are there. Undefined when the server has another image by now, or gives no
 * part of one: then all of it is to be fetched.
 */
export async function resumeSource(
  source: ImageSource,
  limits: SourceLimits,
  begun: Begun & { readonly validator: string },
  signal: AbortSignal,
): Promise<OpenSource | undefined> {
  const image = await openImage(source.url, { ...fetching(source, limits), from: begun }, signal);
  try {
    judge(image.name, source.format, begun.head, limits);
    if (image.offset === begun.offset) return opened(image, source, undefined, begun);
  } catch (reason) {
    await image[Symbol.asyncDispose]();
    throw reason;
  }
  await image[Symbol.asyncDispose]();
  return undefined;
}

const fetching = ({ format }: ImageSource, limits: SourceLimits) => ({
  ...limits,
  maxBytes: mostFileBytes(format, limits.virtualSizeBytes),
});

/**
 * A Raw file is the disk. A Qcow2 file without snapshots is the disk and its tables: these are widest, about a twentieth, with
 * clusters of 512 bytes and refcounts of 64 bits; with common ones they are less than a thousandth.
 */
function mostFileBytes(format: ImageFormat, virtualSizeBytes: number): number {
  return format === 'Raw' ? virtualSizeBytes : virtualSizeBytes + Math.ceil(virtualSizeBytes / 16) + 64 * 2 ** 20;
}

async function accepted(image: RemoteImage, source: Declared, limits: Limits): Promise<number | undefined> {
  if (!image.endKnown && source.checksum === undefined)
    throw new ImageError(
      'Unverifiable',
      `${image.name}: the server does not say how long the image is; give a checksum, or the whole cannot be told from a part`,
    );
  const head = await image.head(headBytes);
  if (head.length === 0) throw new ImageError('Incomplete', `${image.name}: the image is empty; publish it again: it is tried again`);
  return judge(image.name, source.format, head, limits);
}

function judge(name: string, format: ImageFormat, head: Uint8Array, limits: Limits): number | undefined {
  const verdict = inspectHeader(format, head, limits);
  if (verdict.kind === 'refused') throw new ImageError(verdict.reason, `${name}: ${verdict.message}`);
  return verdict.virtualSizeBytes;
}

function opened(image: RemoteImage, source: Declared, virtualSizeBytes: number | undefined, begun?: Begun): OpenSource {
  const progress = new Progress(begun?.offset ?? 0);
  return {
    content: { [Symbol.asyncIterator]: () => progress.counted(verified(image.content, source.checksum, begun?.hash)) },
    ...(image.validator === undefined ? {} : { validator: image.validator }),
    ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }),
    ...(image.bytes === undefined ? {} : { totalBytes: image.bytes }),
    get progressBytes() {
      return progress.bytes;
    },
    [Symbol.asyncDispose]: () => image[Symbol.asyncDispose](),
  };
}

class Progress {
  bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  async *counted(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}
