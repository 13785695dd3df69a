import { isDeepStrictEqual } from 'node:util';
import type { Driver, Pool, PoolId, Volume } from '#drivers/driver.js';
import { Batches } from './batches.js';

/** What is not as it was. */
export interface StoreChanges {
  /** Any pool, or all that is in one. */
  readonly pools: boolean;
  /** Single volumes, by what they are called there. */
  readonly volumes: readonly string[];
}

/**
 * The pools of one host, and what is in those that somebody asks for: a store that is not ours is never looked into, and one that hangs
 * keeps no other waiting.
 */
export class StoresView {
  readonly #driver: Pick<Driver, 'pools' | 'volumes'>;
  readonly #signal: AbortSignal;
  readonly #onChange: (changes: StoreChanges) => void;
  #pools: readonly Pool[] = [];
  readonly #volumes = new Map<PoolId, readonly Volume[]>();
  readonly #lists = new Batches<'pools'>(() => this.#readPools());
  readonly #looks = new Map<PoolId, Batches<'volumes'>>();

  constructor(driver: Pick<Driver, 'pools' | 'volumes'>, onChange: (changes: StoreChanges) => void, signal: AbortSignal) {
    this.#driver = driver;
    this.#onChange = onChange;
    this.#signal = signal;
    this.markPools();
  }

  get pools(): readonly Pool[] {
    return this.#pools;
  }

  pool(uuid: string): Pool | undefined {
    return this.#pools.find((pool) => pool.uuid === uuid);
  }

  /** Those of which the host tells what they are. */
  volumes(pool: PoolId): readonly Volume[] {
    return (this.#volumes.get(pool) ?? []).filter(({ unread }) => unread === undefined);
  }

  unreadVolumes(pool: PoolId): readonly Volume[] {
    return (this.#volumes.get(pool) ?? []).filter(({ unread }) => unread !== undefined);
  }

  markPools(): void {
    this.#lists.mark('pools');
  }

  mark(id: PoolId): void {
    this.markPools();
    this.#looks.get(id)?.mark('volumes');
  }

  markAll(): void {
    this.markPools();
    for (const look of this.#looks.values()) look.mark('volumes');
  }

  settlePools(signal: AbortSignal): Promise<void> {
    return this.#lists.settle(signal);
  }

  /** The pools, then what is in the one of this uuid, which is watched from now on. */
  async settle(uuid: string, signal: AbortSignal): Promise<void> {
    await this.settlePools(signal);
    const pool = this.pool(uuid);
    if (pool !== undefined) await this.#look(pool.id).settle(signal);
  }

  async settleAll(signal: AbortSignal): Promise<void> {
    await this.settlePools(signal);
    const looks = [...this.#looks.values()].map((look) => look.settle(signal));
    for (const look of await Promise.allSettled(looks)) if (look.status === 'rejected') throw look.reason;
  }

  #look(id: PoolId): Batches<'volumes'> {
    const existing = this.#looks.get(id);
    if (existing !== undefined) return existing;
    const look = new Batches<'volumes'>(() => this.#readVolumes(id));
    look.mark('volumes');
    this.#looks.set(id, look);
    return look;
  }

  async #readPools(): Promise<void> {
    const before = this.#pools;
    this.#pools = (await this.#driver.pools?.list(this.#signal)) ?? [];
    const wasActive = new Map(before.map(({ id, active }) => [id, active]));
    for (const { id, active } of this.#pools) if (wasActive.get(id) !== active) this.#looks.get(id)?.mark('volumes');
    for (const id of this.#looks.keys()) if (!this.#pools.some((pool) => pool.id === id)) this.#forget(id);
    if (!isDeepStrictEqual(before.map(withoutUse), this.#pools.map(withoutUse))) this.#onChange({ pools: true, volumes: [] });
  }

  /** One that comes back is looked into anew. */
  #forget(id: PoolId): void {
    this.#looks.delete(id);
    this.#volumes.delete(id);
  }

  async #readVolumes(id: PoolId): Promise<void> {
    const active = this.#pools.some((pool) => pool.id === id && pool.active);
    const volumes = active ? await this.#driver.volumes?.list(id, { refresh: false }, this.#signal) : undefined;
    const before = this.#volumes.get(id);
    if (!this.#looks.has(id)) return;
    if (volumes === undefined) this.#volumes.delete(id);
    else this.#volumes.set(id, volumes);
    this.#tell(before, volumes);
  }

  /** Whoever is told looks again, and reads what a failed act of theirs has marked: told of what is as before, they would never rest. */
  #tell(before: readonly Volume[] | undefined, now: readonly Volume[] | undefined): void {
    if (before === undefined || now === undefined) {
      if (before !== now) this.#onChange({ pools: true, volumes: [] });
      return;
    }
    const volumes = differing(before, now);
    if (volumes.length > 0) this.#onChange({ pools: false, volumes });
  }
}

/** The names of those that came, went, or are not as they were. */
function differing(before: readonly Volume[], now: readonly Volume[]): readonly string[] {
  const byName = new Map(before.map((volume) => [volume.id.nativeName, volume]));
  const changed = now.filter((volume) => {
    const known = byName.get(volume.id.nativeName);
    byName.delete(volume.id.nativeName);
    return known === undefined || !isDeepStrictEqual(withoutUse(known), withoutUse(volume));
  });
  return [...changed.map(({ id }) => id.nativeName), ...byName.keys()];
}

/** How full a store is changes all the time, and is no reason to look again. */
const withoutUse = (store: Pool | Volume): object => ({ ...store, allocationBytes: 0, availableBytes: 0 });
