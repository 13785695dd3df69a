import type { VolumeDefinition, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Work } from '../host/jobs.js';
import { parseChecksum } from '../image/checksum.js';
import { openSource } from '../image/import.js';
import { markerOf, type Source } from './plan.js';

/**
 * Makes a volume from nothing, whatever an earlier attempt left. On the host it is marked incomplete before it is there, so
 * that a half-written volume can be told from a whole one even when everything else is lost. The mark is taken off by
 * whoever has noted that it is whole.
 */
export function fillVolume(volumes: Volumes, definition: VolumeDefinition, source: Source | undefined): Work {
  const { pool, nativeName, sizeBytes } = definition;
  const id = { pool, nativeName };
  return async (progress, signal) => {
    await volumes.delete(id, signal);
    await makeMarker(volumes, definition, signal);
    if (source === undefined) {
      await volumes.create(definition, signal);
      return;
    }
    const { url, format, checksum, granted } = source;
    await using image = await openSource(
      { url, format, ...(checksum === undefined ? {} : { checksum: parseChecksum(checksum) }) },
      { virtualSizeBytes: sizeBytes, granted },
      signal,
    );
    await volumes.create({ ...definition, sizeBytes: 0 }, signal);
    await volumes.upload(id, told(image.content, progress), signal);
    await volumes.grow(id, sizeBytes, signal);
  };
}

async function makeMarker(volumes: Volumes, { pool, nativeName }: VolumeDefinition, signal: AbortSignal): Promise<void> {
  try {
    await volumes.create({ ...markerOf({ pool, nativeName }), format: 'Raw', sizeBytes: 0 }, signal);
  } catch (reason) {
    if (!(reason instanceof DriverError) || reason.code !== 'Conflict') throw reason;
  }
}

async function* told(content: AsyncIterable<Uint8Array>, progress: (bytes: number) => void): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    yield chunk;
    progress(bytes);
  }
}
