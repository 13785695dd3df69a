import { isDeepStrictEqual } from 'node:util';
import type { Driver, Glance, HostEvent, Machine, MachineId, Network, OwnerMark, Pool, PoolId, Volume } from '#drivers/driver.js';

/** What changed in the view: whoever follows these objects should look again. */
export interface Changes {
  readonly machines: readonly Machine[];
  readonly gone: readonly Machine[];
  readonly pools: boolean;
  readonly networks: boolean;
}

/**
 * What one host has, kept fresh: listed once, then only what is marked dirty (by an event, an act, a poll) is read again,
 * all of it in one batch. Observation is then synchronous and costs the host nothing.
 */
export class HostView {
  readonly #driver: Driver;
  readonly #signal: AbortSignal;
  readonly #onChange: (changes: Changes) => void;
  readonly #machines = new Map<MachineId, Machine>();
  #pools: readonly Pool[] = [];
  #networks: readonly Network[] = [];
  readonly #volumes = new Map<PoolId, readonly Volume[]>();
  readonly #dirtyMachines = new Set<MachineId>();
  readonly #dirtyVolumes = new Set<PoolId>();
  #listMachines = true;
  #listPools = true;
  #listNetworks = true;
  #reading: Promise<void> | undefined;

  /** `signal` is the life of the connection; a single caller giving up does not end a read that others share. */
  constructor(driver: Driver, onChange: (changes: Changes) => void, signal: AbortSignal) {
    this.#driver = driver;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  machineByUuid(uuid: string): Machine | undefined {
    return this.machines.find((machine) => machine.uuid === uuid);
  }

  machineByName(nativeName: string): Machine | undefined {
    return this.machines.find((machine) => machine.nativeName === nativeName);
  }

  machineByOwner({ cluster, namespace, name }: Omit<OwnerMark, 'uid'>): Machine | undefined {
    return this.machines.find(
      ({ mark }) => mark?.owner.cluster === cluster && mark.owner.namespace === namespace && mark.owner.name === name,
    );
  }

  get pools(): readonly Pool[] {
    return this.#pools;
  }

  pool(uuid: string): Pool | undefined {
    return this.#pools.find((pool) => pool.uuid === uuid);
  }

  network(nativeName: string): Network | undefined {
    return this.#networks.find((network) => network.nativeName === nativeName);
  }

  volumes(pool: PoolId): readonly Volume[] {
    return this.#volumes.get(pool) ?? [];
  }

  dirtyMachine(id: MachineId): void {
    this.#dirtyMachines.add(id);
  }

  dirtyPool(id: PoolId): void {
    this.#listPools = true;
    this.#dirtyVolumes.add(id);
  }

  /** Hints were lost, or something new was made: list again. */
  gap(): void {
    this.#listMachines = true;
    this.#listPools = true;
    this.#listNetworks = true;
  }

  heed(event: HostEvent): void {
    if (event.kind === 'machine') this.dirtyMachine(event.id);
    else if (event.kind === 'pool') this.dirtyPool(event.id);
    else if (event.kind === 'network') this.#listNetworks = true;
    else this.gap();
  }

  /** Marks what a state-only look shows to be new, gone or in another state. Cheap enough for every few seconds. */
  async glance(signal: AbortSignal): Promise<void> {
    const glances = await this.#driver.machines.list(signal);
    for (const glance of glances) if (differs(glance, this.#machines.get(glance.id))) this.#dirtyMachines.add(glance.id);
    const listed = new Set(glances.map(({ id }) => id));
    for (const id of this.#machines.keys()) if (!listed.has(id)) this.#dirtyMachines.add(id);
  }

  /**
   * Resolves when all that was marked at the time of the call has been read. A read that is under way may have taken some of these
   * marks, and is waited for; the next one takes the rest, and what the first one failed to read.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const underWay = this.#reading?.catch(() => {});
    if (underWay !== undefined) await unlessAborted(underWay, signal);
    if (this.#reading === undefined && !this.#stale) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await unlessAborted(this.#reading, signal);
  }

  /** Reads everything again, whatever is marked: what no event tells of is seen here. */
  async resync(signal: AbortSignal): Promise<void> {
    this.gap();
    for (const { id } of this.#pools) this.#dirtyVolumes.add(id);
    await this.refresh(signal);
  }

  get #stale(): boolean {
    return this.#listMachines || this.#listPools || this.#listNetworks || this.#dirtyMachines.size > 0 || this.#dirtyVolumes.size > 0;
  }

  async #read(): Promise<void> {
    const marks = {
      machines: this.#listMachines,
      pools: this.#listPools,
      networks: this.#listNetworks,
      ids: [...this.#dirtyMachines],
      volumes: [...this.#dirtyVolumes],
    };
    this.#listMachines = this.#listPools = this.#listNetworks = false;
    this.#dirtyMachines.clear();
    this.#dirtyVolumes.clear();
    const [machines, pools, networks] = await Promise.allSettled([
      this.#readMachines(marks.machines, marks.ids),
      this.#readPools(marks.pools, marks.volumes),
      this.#readNetworks(marks.networks),
    ]);
    if (machines.status === 'rejected') {
      this.#listMachines ||= marks.machines;
      for (const id of marks.ids) this.#dirtyMachines.add(id);
    }
    if (pools.status === 'rejected') {
      this.#listPools ||= marks.pools;
      for (const id of marks.volumes) this.#dirtyVolumes.add(id);
    }
    if (networks.status === 'rejected') this.#listNetworks ||= marks.networks;
    // What was seen is told even if another part failed: a machine that is gone is seen to go but once.
    const { changed, gone } = machines.status === 'fulfilled' ? machines.value : { changed: [], gone: [] };
    const poolsChanged = pools.status === 'fulfilled' && pools.value;
    const networksChanged = networks.status === 'fulfilled' && networks.value;
    if (changed.length > 0 || gone.length > 0 || poolsChanged || networksChanged)
      this.#onChange({ machines: changed, gone, pools: poolsChanged, networks: networksChanged });
    for (const part of [machines, pools, networks]) if (part.status === 'rejected') throw part.reason;
  }

  async #readMachines(list: boolean, dirty: readonly MachineId[]) {
    const listed = list ? (await this.#driver.machines.list(this.#signal)).map(({ id }) => id) : [];
    const ids = list ? [...new Set([...this.#machines.keys(), ...listed])] : dirty;
    if (ids.length === 0) return { changed: [], gone: [] };
    const changed = await this.#driver.machines.read(ids, this.#signal);
    const present = new Set(changed.map(({ id }) => id));
    const gone = ids.flatMap((id) => (present.has(id) ? [] : (this.#machines.get(id) ?? [])));
    for (const { id } of gone) this.#machines.delete(id);
    for (const machine of changed) this.#machines.set(machine.id, machine);
    return { changed, gone };
  }

  async #readNetworks(list: boolean): Promise<boolean> {
    const { networks } = this.#driver;
    if (!list || networks === undefined) return false;
    const before = this.#networks;
    this.#networks = await networks.list(this.#signal);
    return !isDeepStrictEqual(this.#networks, before);
  }

  async #readPools(list: boolean, dirty: readonly PoolId[]): Promise<boolean> {
    const { pools, volumes } = this.#driver;
    if (pools === undefined) return false;
    if (list) this.#pools = await pools.list(this.#signal);
    const wanted = new Set([...dirty, ...this.#pools.filter(({ id }) => list && !this.#volumes.has(id)).map(({ id }) => id)]);
    for (const id of wanted) {
      const pool = this.#pools.find((one) => one.id === id);
      if (pool?.active !== true || volumes === undefined) this.#volumes.delete(id);
      else this.#volumes.set(id, await volumes.list(id, { refresh: false }, this.#signal));
    }
    return list || wanted.size > 0;
  }
}

const differs = ({ power }: Glance, known: Machine | undefined): boolean =>
  known === undefined || known.power.state !== power.state || known.power.reason !== power.reason;

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
