import { buffer } from 'node:stream/consumers';
import type { VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { headBytes, inspectHeader } from '../image/header.js';

/** The volumes of one host whose headers were found to reach for nothing outside of them. Forgotten with the agent: then they are read again. */
export class Inspections {
  readonly #passed = new Set<string>();

  has(id: VolumeId): boolean {
    return this.#passed.has(keyOf(id));
  }

  /** Invalid, in words, when what is stored is no image of this format that stands alone. */
  async inspect(volumes: Volumes, id: VolumeId, format: 'Qcow2', signal: AbortSignal): Promise<void> {
    const head = await buffer(volumes.download(id, { offset: 0, length: headBytes }, signal));
    // Its size was accepted when it was made: what it may not do is reach for other files.
    const verdict = inspectHeader(format, head, { virtualSizeBytes: Number.MAX_SAFE_INTEGER });
    if (verdict.kind === 'refused')
      throw new DriverError('Invalid', `volume ${id.nativeName} is not taken over as ${format} (${verdict.reason}): ${verdict.message}`);
    this.#passed.add(keyOf(id));
  }
}

const keyOf = ({ pool, nativeName }: VolumeId): string => `${pool}/${nativeName}`;
