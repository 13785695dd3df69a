import { buffer } from 'node:stream/consumers';
import type { VolumeId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { probedBytes } from './probed.js';
import { storageVolDownload, storageVolUpload } from './rpc/procedures.js';
import type { VolumeHandle } from './rpc/types.js';
import type { FoundVolume, VolumeLookup } from './volume-lookup.js';
import { isDevice, readStoredBytes, readVolume } from './xml/volume.js';

interface Range {
  readonly offset: number;
  readonly length: number;
}

/** The bytes that are in volumes. */
export class VolumeContent {
  readonly #daemon: Daemon;
  readonly #lookup: VolumeLookup;

  constructor(daemon: Daemon, lookup: VolumeLookup) {
    this.#daemon = daemon;
    this.#lookup = lookup;
  }

  /** From the first byte on, over what is there; a device is filled to its end. */
  async send(id: VolumeId, { handle, xml }: FoundVolume, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const whole = isDevice(xml) ? padded(content, readVolume(xml, id.pool).sizeBytes) : content;
    await this.#send(id, handle, 0, whole, signal);
  }

  /** From that byte on: what is before, and what is longer, stays. */
  async resume(id: VolumeId, { handle, xml }: FoundVolume, offset: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    if (isDevice(xml)) throw new DriverError('Unsupported', `volume "${id.nativeName}": what is on a device is written from its beginning`);
    await this.#mustReach(id, offset, signal);
    await this.#send(id, handle, offset, content, signal);
  }

  /** What the pool knows of the file may be older than what was uploaded since. */
  async #mustReach(id: VolumeId, offset: number, signal: AbortSignal): Promise<void> {
    let stored = 0;
    for await (const chunk of this.read(id, { offset: Math.max(0, offset - 1), length: 1 }, signal)) stored += chunk.length;
    if (offset > 0 && stored === 0)
      throw new DriverError('Invalid', `volume "${id.nativeName}": ${offset} bytes were said to be stored, and there are fewer`);
  }

  async #send(id: VolumeId, handle: VolumeHandle, offset: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const what = { volume: handle, offset, length: 0, flags: 0 };
    const sent = { bytes: 0 };
    await this.#daemon.connection.upload(storageVolUpload, what, counted(content, sent), signal).catch((reason) => {
      // Also what the source of the content throws.
      throw DriverError.from(reason);
    });
    await this.#mustHave(id, handle, offset + sent.bytes, signal);
  }

  /** libvirt 9.0 now and then confirms an upload of which its own writer has failed: seen with a full store, 3 times in 40. */
  async #mustHave({ pool, nativeName }: VolumeId, volume: VolumeHandle, bytes: number, signal: AbortSignal): Promise<void> {
    const stored = readStoredBytes(await this.#lookup.xml(pool, volume, signal));
    if (stored === undefined || stored >= bytes) return;
    throw new DriverError('Exhausted', `volume "${nativeName}": ${stored} of ${bytes} bytes are there; its pool is likely full`);
  }

  async *read(id: VolumeId, { offset, length }: Range, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const volume = await this.#lookup.volume(id, signal);
    // To libvirt, a length of 0 is everything.
    if (length > 0) yield* this.#daemon.connection.download(storageVolDownload, { volume, offset, length, flags: 0 }, signal);
  }

  /** What libvirt takes as its format from. */
  head(id: VolumeId, signal: AbortSignal): Promise<Buffer> {
    return buffer(this.read(id, { offset: 0, length: probedBytes }, signal));
  }
}

async function* counted(content: AsyncIterable<Uint8Array>, sent: { bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    yield chunk;
    sent.bytes += chunk.length;
  }
}

/** Zeros to the end of a device: what was there before is somebody's. */
async function* padded(content: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = sizeBytes;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) throw new DriverError('Exhausted', `the content is longer than the volume, which has ${sizeBytes} bytes`);
    yield chunk;
  }
  const zeros = new Uint8Array(Math.min(1 << 20, left));
  for (; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(zeros.length, left));
}
