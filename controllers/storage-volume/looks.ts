import type { VolumeId } from '#drivers/driver.js';

/** When the host last looked at its store for a volume that was not seen, in epoch milliseconds. Forgotten with the agent. */
export class Looks {
  readonly #at = new Map<string, number>();

  note({ pool, nativeName }: VolumeId, now: number): void {
    this.#at.set(`${pool}/${nativeName}`, now);
  }

  at({ pool, nativeName }: VolumeId): number | undefined {
    return this.#at.get(`${pool}/${nativeName}`);
  }
}
