import type { VolumeDefinition, VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Work } from '../host/jobs.js';
import { parseChecksum } from '../image/checksum.js';
import { type ConvertedFormat, convert } from '../image/convert.js';
import type { ImageFormat } from '../image/format.js';
import { type OpenSource, openSource, openUpload } from '../image/import.js';
import { unwrapped } from '../image/tar.js';
import { judgedVhdx } from '../image/vhdx-stream.js';
import { makeMarker, markerOf } from '../incomplete.js';
import type { VolumeAction } from './action.js';
import type { FillSource } from './plan-source.js';
import { isHopeless, isResumable, noteSource, type ResumableSource, resumeFilling } from './resume.js';
import type { Upload } from './uploads.js';

type Action<K extends VolumeAction['kind']> = Extract<VolumeAction, { readonly kind: K }>;

export type Filling = Pick<Action<'fill'>, 'definition' | 'grows' | 'resumes' | 'source'>;

/** After it, all of a device is zeros. */
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** How a volume gets its content. */
export type Fill = (volumes: Volumes, filling: Filling, upload?: Upload) => Work;

/** Makes a volume as it would be, and fetches nothing for it. */
export const pretendToFill: Fill =
  (volumes, { definition, source }) =>
  async (_progress, signal) => {
    const id = idOf(definition);
    await volumes.delete(id, signal);
    await makeMarker(volumes, id, signal);
    if (source?.kind !== 'clone') await volumes.create(definition, signal);
    else if (source.how === 'Full') await volumes.copy(definition, source.from, signal);
    else await volumes.link(definition, source.from, signal);
  };

/**
 * Makes a volume from nothing, whatever an earlier attempt left; only with an image that has a checksum it goes on where that broke. On the
 * host it is marked incomplete before it is there, so that a half-written volume can be told from a whole one even when everything else is
 * lost. The mark is taken off by whoever has noted that it is whole. What failed and cannot be gone on from is taken away at once: it is of
 * no use, and may be large.
 */
export function fillVolume(volumes: Volumes, filling: Filling, upload?: Upload): Work {
  const { definition, resumes, source } = filling;
  const noted = resumes && source !== undefined && isResumable(source) && source.format === definition.format ? source : undefined;
  return async (progress, signal) => {
    const counted = (content: AsyncIterable<Uint8Array>, before: number) => told(content, progress, before);
    if (noted !== undefined && (await resumeFilling(volumes, definition, noted, counted, signal))) return;
    try {
      await fillAnew(volumes, filling, noted, upload, progress, signal);
    } catch (reason) {
      // When it cannot be, the next attempt begins with that.
      if (!signal.aborted && (noted === undefined || isHopeless(reason))) await volumes.delete(idOf(definition), signal).catch(() => {});
      throw reason;
    }
  };
}

const idOf = ({ pool, nativeName }: VolumeDefinition): VolumeId => ({ pool, nativeName });

async function fillAnew(
  volumes: Volumes,
  filling: Filling,
  noted: ResumableSource | undefined,
  upload: Upload | undefined,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { definition, source } = filling;
  const id = idOf(definition);
  await volumes.delete(id, signal);
  // What it says of an earlier attempt goes, now that nothing is left of that.
  if (noted !== undefined) await volumes.delete(markerOf(id), signal);
  await makeMarker(volumes, id, signal);
  if (source === undefined) return makeEmpty(volumes, filling, signal);
  if (source.kind === 'clone') {
    await (source.how === 'Full' ? volumes.copy(definition, source.from, signal) : volumes.link(definition, source.from, signal));
    return;
  }
  await using image = await openImage(source, definition.sizeBytes, upload, signal);
  if (noted !== undefined && image.validator !== undefined) await noteSource(volumes, id, noted, image.validator, signal);
  await storeImage(volumes, filling, { ...image, content: told(image.content, progress) }, source.format, signal);
}

async function makeEmpty(volumes: Volumes, { definition, grows }: Filling, signal: AbortSignal): Promise<void> {
  await volumes.create(definition, signal);
  if (!grows && definition.format !== 'Directory') await volumes.upload(idOf(definition), nothing(), signal);
}

async function storeImage(volumes: Volumes, filling: Filling, image: OpenSource, format: ImageFormat, signal: AbortSignal): Promise<void> {
  const { definition } = filling;
  const { sizeBytes } = definition;
  if (format === 'Tar' || definition.format === 'Directory')
    return unpack(volumes, definition, format, unwrapped(image.content, sizeBytes, signal), signal);
  const to = format === definition.format ? undefined : convertible(definition);
  const content = format === 'Vhdx' ? await judgedVhdx(image.content, { virtualSizeBytes: sizeBytes }) : image.content;
  // A host that takes no such volume says so before all of the image is fetched.
  await volumes.create(filling.grows ? { ...definition, sizeBytes: 0 } : definition, signal);
  if (to === undefined) return store(volumes, filling, content, signal);
  await using converted = await convert({ ...image, content }, { from: format, to, virtualSizeBytes: sizeBytes }, signal);
  await store(volumes, filling, converted.content, signal);
}

async function store(
  volumes: Volumes,
  { definition, grows }: Filling,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const id = idOf(definition);
  await volumes.upload(id, content, signal);
  if (grows) await volumes.grow(id, definition.sizeBytes, signal);
}

/** Files are unpacked into a directory, and nowhere else. */
async function unpack(
  volumes: Volumes,
  definition: VolumeDefinition,
  format: ImageFormat,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (format !== 'Tar' || definition.format !== 'Directory')
    throw new DriverError(
      'Unsupported',
      `volume "${definition.nativeName}" has format ${definition.format}, and its source ${format}; a Tar becomes a Directory, and a Directory is made of a Tar`,
    );
  await volumes.create(definition, signal);
  await volumes.upload(idOf(definition), archive, signal);
}

/** Fetched, or brought by somebody. */
function openImage(
  source: Exclude<FillSource, { readonly kind: 'clone' }>,
  virtualSizeBytes: number,
  upload: Upload | undefined,
  signal: AbortSignal,
): Promise<OpenSource> {
  const { format, checksum } = source;
  const declared = { format, ...(checksum === undefined ? {} : { checksum: parseChecksum(checksum) }) };
  if (source.kind === 'image') return openSource({ ...declared, url: source.url }, { virtualSizeBytes, granted: source.granted }, signal);
  if (upload === undefined) throw new DriverError('Unavailable', 'whoever brought the image left');
  upload.wanted();
  return openUpload(upload.request, declared, { virtualSizeBytes }, signal);
}

function convertible({ nativeName, format }: VolumeDefinition): ConvertedFormat {
  if (format !== 'Vmdk' && format !== 'Directory') return format;
  throw new DriverError('Unsupported', `volume "${nativeName}" is to be ${format}; an image is converted to Raw, Qcow2, Vhdx or Vhd alone`);
}

/**
 * Marks that a volume is about to be made, unless a fresh look at the store shows one of its name: that is not ours, and must not look
 * as if it were. Nor is the mark made beside what is left of an earlier volume and was not seen yet.
 */
export async function beginVolume(volumes: Volumes, { id, familyName, known }: Action<'begin'>, signal: AbortSignal): Promise<void> {
  const there = await volumes.list(id.pool, { refresh: true }, signal);
  const names = there.map((volume) => volume.id.nativeName);
  const unseen = names.some((name) => name === id.nativeName || (isOfFamily(name, familyName) && !known.includes(name)));
  if (!unseen) await makeMarker(volumes, id, signal);
}

/** Whether a native name is that of some volume of the family: `family-<8 hex digits of a uid>`. */
export const isOfFamily = (name: string, family: string): boolean =>
  name.startsWith(`${family}-`) && /^[0-9a-f]{8}$/.test(name.slice(family.length + 1));

async function* told(content: AsyncIterable<Uint8Array>, progress: (bytes: number) => void, before = 0): AsyncIterable<Uint8Array> {
  let bytes = before;
  for await (const chunk of content) {
    bytes += chunk.length;
    yield chunk;
    progress(bytes);
  }
}
