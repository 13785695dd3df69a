import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Pool, VolumeDefinition, VolumeFormat, VolumeId, VolumeVerb } from '#drivers/driver.js';
import { type MadePool, mustHave } from './pools.js';
import { type Stage, soon } from './stage.js';
import type { PlacedVolume } from './subject.js';

export async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** What the checks do to volumes, all in one pool. */
export class Shelf {
  readonly volumes;
  readonly pool: MadePool;

  /** Of disks. */
  readonly formats: readonly VolumeFormat[];
  readonly can: readonly VolumeVerb[];
  /** Whether the host goes on with uploads that broke. */
  readonly resumes: boolean;
  /** A size that its volumes can have, in bytes. */
  readonly unit: number;
  readonly #locate;

  constructor({ driver, subject }: Stage, pool: MadePool, { formats, can }: Pick<Pool, 'formats' | 'can'>, resumes: boolean) {
    this.resumes = resumes;
    this.volumes = mustHave(driver.volumes);
    this.pool = pool;
    this.formats = formats.filter((format) => format !== 'Directory');
    this.can = can;
    this.unit = subject.volumeBytes ?? 1 << 20;
    this.#locate = subject.locate ?? ((path, { nativeName }) => `${path}/${nativeName}`);
  }

  static async in(stage: Stage, pool: MadePool): Promise<Shelf> {
    const pools = await mustHave(stage.driver.pools).list(soon());
    const { capabilities } = await stage.driver.host.describe(soon());
    const resumes = capabilities.some(({ field }) => field === 'volumes.resume');
    return new Shelf(stage, pool, mustHave(pools.find(({ id }) => id === pool.id)), resumes);
  }

  /** Where a volume must lie. */
  location(volume: PlacedVolume): string {
    return this.#locate(this.pool.path, volume);
  }

  definition(change: Partial<VolumeDefinition> = {}): VolumeDefinition {
    return { pool: this.pool.id, nativeName: `contract.${randomUUID().slice(0, 8)}`, format: 'Raw', sizeBytes: 0, ...change };
  }

  create(change: Partial<VolumeDefinition> = {}) {
    return this.volumes.create(this.definition(change), soon());
  }

  async find({ nativeName }: VolumeId, refresh = false) {
    return (await this.volumes.list(this.pool.id, { refresh }, soon())).find(({ id }) => id.nativeName === nativeName);
  }

  /** Without what is an image of a disc where disks have formats of their own. */
  get disks(): readonly VolumeFormat[] {
    return this.formats.filter((format) => format !== 'Raw');
  }

  /** For `skip`. */
  cannot(verb: VolumeVerb): string | false {
    return !this.can.includes(verb) && `the pool says that it cannot ${verb} volumes`;
  }

  without(format: VolumeFormat): string | false {
    return !this.formats.includes(format) && `the pool says that it has no ${format} volumes`;
  }

  /** Whether its volumes are as long as what is in them: where they do not grow, they have a size, and zeros behind what is in them. */
  get fits(): boolean {
    return this.can.includes('grow');
  }

  async holds(t: Test, id: VolumeId, content: Uint8Array, because = 'it holds this'): Promise<void> {
    const stored = await this.content(id);
    if (this.fits) t.equal(stored.length, content.length, because);
    else t.ok(stored.length >= content.length && stored.subarray(content.length).every((byte) => byte === 0), 'zeros follow');
    t.ok(stored.subarray(0, content.length).equals(content), because);
  }

  content(id: VolumeId, range = { offset: 0, length: 1 << 30 }): Promise<Buffer> {
    return whole(this.volumes.download(id, range, soon()));
  }
}
