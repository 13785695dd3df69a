import type { Pool, PoolDefinition, PoolId, Volume, VolumeDefinition } from '#drivers/driver.js';
import type { Shown } from './shown.js';

/** What is shown of pools and what is in them. */
export class StoresSeen {
  readonly #shown: Shown;
  readonly #defined = new Map<string, PoolDefinition>();
  /** Pools that nobody here made. */
  readonly #existing = new Set<PoolId>();
  readonly #made = new Map<string, string>();
  readonly #full = new Set<string>();

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  defined(definition: PoolDefinition): void {
    this.#defined.set(definition.uuid, definition);
  }

  listed(pools: readonly Pool[]): void {
    for (const { id, uuid, active, source } of pools.filter(({ active }) => active)) {
      const definition = this.#defined.get(uuid);
      if (definition === undefined) this.#existing.add(id);
      else if (active && source?.kind === definition.source.kind) this.#shown.field(`pools.${source.kind}`);
    }
  }

  made({ pool, nativeName, format, allocation }: VolumeDefinition): void {
    if (allocation !== undefined) this.#full.add(JSON.stringify([pool, nativeName]));
    this.#made.set(JSON.stringify([pool, nativeName]), format);
    if (this.#existing.has(pool)) this.#shown.field('pools.existing');
  }

  volumes(volumes: readonly Volume[]): void {
    for (const { id, allocation } of volumes)
      if (allocation !== undefined && this.#full.has(JSON.stringify([id.pool, id.nativeName])))
        this.#shown.field('volumes.allocation', allocation);
    for (const { id, format } of volumes)
      if (format !== undefined && this.#made.get(JSON.stringify([id.pool, id.nativeName])) === format)
        this.#shown.field('volumes.format', format);
  }
}
