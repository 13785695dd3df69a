import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { VolumeDefinition, VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type Begun, readBegun } from '../image/begun.js';
import { type Checksum, parseChecksum } from '../image/checksum.js';
import { ImageError } from '../image/error.js';
import { resumeSource } from '../image/import.js';
import { markerOf } from '../incomplete.js';
import type { FillSource } from './plan-source.js';
import type { ImageSource } from './source.js';

/** What an incomplete volume is being filled from, in the mark beside it. */
interface Note {
  readonly source: string;
  readonly validator: string;
}

const longestNote = 2048;

/** An image whose parts can be gone on from; one without a checksum could not be told from another's. */
export type ResumableSource = ImageSource & { readonly checksum: string };

export const isResumable = (source: FillSource): source is ResumableSource => source.kind === 'image' && source.checksum !== undefined;

/** A URL may hold what is nobody's business. */
const nameOf = ({ url, format, checksum }: ResumableSource): string =>
  createHash('sha256')
    .update(JSON.stringify([url, format, checksum]))
    .digest('hex');

/** Only a mark that holds nothing yet: it must not be away for a moment while the volume is there. */
export async function noteSource(
  volumes: Volumes,
  id: VolumeId,
  source: ResumableSource,
  validator: string,
  signal: AbortSignal,
): Promise<void> {
  const note: Note = { source: nameOf(source), validator };
  const text = Buffer.from(JSON.stringify(note));
  if (text.length > longestNote) return;
  await volumes.upload(
    markerOf(id),
    (async function* () {
      yield text;
    })(),
    signal,
  );
}

/** Whether the rest of what an earlier attempt left was fetched, and all of it is what its checksum says. */
export async function resumeFilling(
  volumes: Volumes,
  definition: VolumeDefinition,
  source: ResumableSource,
  counted: (content: AsyncIterable<Uint8Array>, before: number) => AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<boolean> {
  const { url, format, granted } = source;
  const checksum = parseChecksum(source.checksum);
  const begun = await storedOf(volumes, definition, source, checksum, signal);
  if (begun === undefined) return false;
  try {
    const limits = { virtualSizeBytes: definition.sizeBytes, granted };
    await using image = await resumeSource({ url, format, checksum }, limits, begun, signal);
    if (image === undefined) return false;
    await volumes.resume(definition, begun.offset, counted(image.content, begun.offset), signal);
  } catch (reason) {
    if (isHopeless(reason)) return false;
    throw reason;
  }
  await volumes.grow(definition, definition.sizeBytes, signal);
  return true;
}

/** What is stored of this source already, and can be gone on from. */
async function storedOf(
  volumes: Volumes,
  id: VolumeId,
  source: ResumableSource,
  checksum: Checksum,
  signal: AbortSignal,
): Promise<(Begun & Pick<Note, 'validator'>) | undefined> {
  try {
    const note = decodeNote(await buffer(volumes.download(markerOf(id), { offset: 0, length: longestNote }, signal)));
    if (note?.source !== nameOf(source)) return undefined;
    const stored = volumes.download(id, { offset: 0, length: Number.MAX_SAFE_INTEGER }, signal);
    const begun = await readBegun(stored, checksum);
    return begun.offset === 0 ? undefined : { ...begun, validator: note.validator };
  } catch (reason) {
    if (reason instanceof DriverError && reason.code === 'NotFound') return undefined;
    throw reason;
  }
}

function decodeNote(bytes: Buffer): Note | undefined {
  try {
    const { source, validator }: Partial<Record<keyof Note, unknown>> = JSON.parse(bytes.toString());
    return typeof source === 'string' && typeof validator === 'string' ? { source, validator } : undefined;
  } catch {
    return undefined;
  }
}

/** Going on is of no use: what is stored is not of this image, or the server does not give parts of it. All of it anew may be. */
export function isHopeless(reason: unknown): boolean {
  const cause = reason instanceof DriverError && reason.cause instanceof ImageError ? reason.cause : reason;
  if (cause instanceof ImageError) return cause.verdict === 'stall';
  return cause instanceof DriverError && ['Invalid', 'NotFound', 'Unsupported'].includes(cause.code);
}
