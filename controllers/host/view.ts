import type { Driver, HostEvent, Machine, MachineId, Network, OwnerMark, Pool, PoolId, Unread, Volume } from '#drivers/driver.js';
import { type GuestKnown, type GuestOptions, GuestsView } from './guests-view.js';
import { MachinesView } from './machines-view.js';
import { NetworksView } from './networks-view.js';
import { StoresView } from './stores-view.js';

/** What changed in the view: whoever follows these objects should look again. */
export interface Changes {
  readonly machines: readonly Machine[];
  readonly gone: readonly Machine[];
  /** Any pool, or all that is in one. */
  readonly pools: boolean;
  /** Single volumes, by what they are called there. */
  readonly volumes: readonly string[];
  readonly networks: boolean;
}

const unchanged: Changes = { machines: [], gone: [], pools: false, volumes: [], networks: false };

/** What somebody must have seen as it is now: who looks at no store waits for none. */
export interface Interest {
  readonly machines?: true;
  readonly pools?: true;
  readonly networks?: true;
  /** What is in the pool of this uuid, and the pools. */
  readonly volumesOf?: string;
}

/**
 * What one host has, kept fresh: listed once, then only what is marked dirty (by an event, an act, a poll) is read again,
 * all of it in one batch. Observation is then synchronous and costs the host nothing.
 */
export class HostView {
  readonly #machines: MachinesView;
  readonly #stores: StoresView;
  readonly #networks: NetworksView;
  readonly #guests: GuestsView;

  /** `signal` is the life of the connection; a single caller giving up does not end a read that others share. */
  constructor(driver: Driver, onChange: (changes: Changes) => void, signal: AbortSignal, guests?: GuestOptions) {
    const onMachines = ({ changed, gone }: Pick<Changes, 'gone'> & { readonly changed: Changes['machines'] }) => {
      this.#guests.forget(gone);
      this.#guests.follow(changed);
      onChange({ ...unchanged, machines: changed, gone });
    };
    this.#guests = new GuestsView(driver, (machine) => onChange({ ...unchanged, machines: [machine] }), guests);
    this.#machines = new MachinesView(driver, onMachines, signal);
    this.#stores = new StoresView(driver, (changes) => onChange({ ...unchanged, ...changes }), signal);
    this.#networks = new NetworksView(driver, () => onChange({ ...unchanged, networks: true }), signal);
  }

  get machines(): readonly Machine[] {
    return this.#machines.all;
  }

  /** Machines that are there and could not be read, each with why. */
  get unread(): readonly Unread[] {
    return this.#machines.unread;
  }

  /** Of the unread, those that never were read: nothing at all is known of what they have, or of whose they are. */
  get unseen(): readonly Unread[] {
    return this.#machines.unseen;
  }

  /** Throws the DriverError for which the machine it would be could not be read. So do the next two. */
  machineByUuid(uuid: string): Machine | undefined {
    return this.#machines.byUuid(uuid);
  }

  machineByName(nativeName: string): Machine | undefined {
    return this.#machines.byName(nativeName);
  }

  machineByOwner(owner: Omit<OwnerMark, 'uid'>): Machine | undefined {
    return this.#machines.byOwner(owner);
  }

  /** What was last known of the guest of a machine that is on; nobody waits for it. */
  guest(id: MachineId): GuestKnown | undefined {
    return this.#guests.known(id);
  }

  /** Looks at guests as they are due, until the signal. */
  followGuests(signal: AbortSignal): Promise<void> {
    return this.#guests.run(signal);
  }

  get pools(): readonly Pool[] {
    return this.#stores.pools;
  }

  pool(uuid: string): Pool | undefined {
    return this.#stores.pool(uuid);
  }

  get networks(): readonly Network[] {
    return this.#networks.all;
  }

  volumes(pool: PoolId): readonly Volume[] {
    return this.#stores.volumes(pool);
  }

  unreadVolumes(pool: PoolId): readonly Volume[] {
    return this.#stores.unreadVolumes(pool);
  }

  dirtyMachine(id: MachineId): void {
    this.#machines.mark(id);
  }

  /** All of them. */
  dirtyMachines(): void {
    this.#machines.markAll();
  }

  dirtyPool(id: PoolId): void {
    this.#stores.mark(id);
  }

  dirtyNetworks(): void {
    this.#networks.mark();
  }

  /** Hints were lost, or something new was made: list again. */
  gap(): void {
    this.#machines.markAll();
    this.#stores.markPools();
    this.#networks.mark();
  }

  heed(event: HostEvent): void {
    if (event.kind === 'machine') this.dirtyMachine(event.id);
    else if (event.kind === 'pool') this.dirtyPool(event.id);
    else if (event.kind === 'network') this.#networks.mark();
    else if (event.kind === 'guest') this.#guests.hint(event.id);
    else this.gap();
  }

  /** Marks what a state-only look shows to be new, gone or in another state. Cheap enough for every few seconds. */
  glance(signal: AbortSignal): Promise<void> {
    return this.#machines.glance(signal);
  }

  /** Resolves when all of interest that was marked at the time of the call has been read. */
  async refresh({ machines, pools, networks, volumesOf }: Interest, signal: AbortSignal): Promise<void> {
    await allOf([
      machines ? this.#machines.settle(signal) : undefined,
      pools ? this.#stores.settlePools(signal) : undefined,
      networks ? this.#networks.settle(signal) : undefined,
      volumesOf === undefined ? undefined : this.#stores.settle(volumesOf, signal),
    ]);
  }

  /** All that is marked. */
  async refreshAll(signal: AbortSignal): Promise<void> {
    await allOf([this.#machines.settle(signal), this.#stores.settleAll(signal), this.#networks.settle(signal)]);
  }

  /** Reads everything again, whatever is marked: what no event tells of is seen here. */
  async resync(signal: AbortSignal): Promise<void> {
    this.gap();
    this.#stores.markAll();
    await this.refreshAll(signal);
  }
}

/** What one of them saw is kept, even if another fails. */
async function allOf(reads: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const read of await Promise.allSettled(reads)) if (read.status === 'rejected') throw read.reason;
}
