import { randomUUID } from 'node:crypto';
import type { Capability, Facet, GuestAddress, Hardware, HostEvent, MachineId, NetworkId, PoolSource, SeedKind } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { describeSource } from '#drivers/pool-source.js';
import { Bulletin } from './bulletin.js';
import { everything, firstHardware } from './capabilities.js';
import { type Clock, ManualClock } from './clock.js';
import { Faults } from './faults.js';
import { type Guest, plainGuest } from './guest.js';
import { Leases } from './leases.js';
import { FakeMachine, type Surroundings } from './machine.js';
import type { FakeNetwork } from './network.js';
import { type Directory, FakeFile, FakePool, placeOf } from './store.js';

export type OptionalFacet = Exclude<Facet, 'host' | 'machines' | 'power'>;

export interface FakeHostOptions<C extends Clock = ManualClock> {
  /** Facets this host has not. */
  readonly without?: readonly OptionalFacet[];
  readonly capabilities?: readonly Capability[];
  /** Without one, time stands still until `clock.advance`. */
  readonly clock?: C;
  /** The room in each directory. */
  readonly roomBytes?: number;
  readonly exports?: Map<string, Directory>;
  /** How guests behave that nobody has spoken of. */
  readonly guests?: Guest;
}

/** A connection, as far as its host goes. */
interface Joined {
  readonly ended: AbortSignal;
  close(): void;
}

/** What a hypervisor in memory has and does. It outlives its connections; `fakeDriver(host)` makes one. */
export class FakeHost<C extends Clock = ManualClock> implements Surroundings {
  readonly clock: C;
  readonly without: readonly OptionalFacet[];
  capabilities: readonly Capability[];
  /** The host's best, given to machines at their first define: an upgrade of the host changes it for later ones. */
  hardware: Hardware = firstHardware;
  /** Its processors and memory. */
  size = { cpuCount: 64, memoryBytes: 2 ** 40 };
  /** The room in each directory, for pools defined from now on. */
  roomBytes: number;
  /** Who may come in; everybody when absent. Connections that are open stay so when it changes. */
  account: { readonly username: string; readonly password: string } | undefined;
  /** All that was asked, in order: `machines.define shop.web`, `machines.read 3`. Empty it as you like. */
  readonly calls: string[] = [];
  readonly faults = new Faults();
  readonly bulletin = new Bulletin();
  readonly machines = new Map<MachineId, FakeMachine>();
  readonly pools = new Map<string, FakePool>();
  readonly networks = new Map<NetworkId, FakeNetwork>();
  /** What the host itself is in, by device: `eth0` to `192.168.1.7/24`. */
  readonly interfaces = new Map<string, string>();
  /** Whom stores let in, by what they are called; everybody where it is not said. */
  readonly accounts = new Map<string, { readonly username: string; readonly password: string }>();
  /** What servers in its network export: the same map given to several hosts is the same servers. */
  readonly exports: Map<string, Directory>;
  /** What guests are told that no volume has, by the machine's uuid. */
  readonly carried = new Map<string, Uint8Array>();
  readonly #directories = new Map<string, Directory>();
  readonly #guests = new Map<string, Guest>();
  readonly #usualGuest: Guest;
  readonly #leases = new Leases();
  readonly #connections = new Set<Joined>();
  #lastId = 0;
  #lastMacAddress = 0;

  constructor({
    without = [],
    capabilities = everything,
    clock,
    roomBytes = 2 ** 40,
    exports = new Map(),
    guests = plainGuest,
  }: FakeHostOptions<C> = {}) {
    this.#usualGuest = guests;
    this.without = without;
    this.exports = exports;
    this.capabilities = without.includes('live') ? capabilities.map(({ change: _, ...rest }) => rest) : capabilities;
    // A clock of another kind must be given: the default type parameter is the only one that allows to leave it out.
    this.clock = clock ?? (new ManualClock() as Clock as C);
    this.roomBytes = roomBytes;
  }

  /** The calls that were not mere looks. */
  get acts(): readonly string[] {
    return this.calls.filter((call) => !/^\w+\.(list|read|look|describe|watch|download|open)\b|^drafts\./.test(call));
  }

  /** How the guest of this machine behaves, whether it is there yet or not. What is told of a live one holds at once. */
  guest(uuid: string, guest: Guest): void {
    this.#guests.set(uuid.toLowerCase(), guest);
    const machine = this.byUuid(uuid);
    if (machine === undefined) return;
    const before = machine.guest.sight?.agent;
    machine.guest = guest;
    if (before !== guest.sight?.agent) this.emit({ kind: 'guest', id: machine.id });
  }

  /** The daemon was restarted: why machines are off is forgotten, and all connections are gone. */
  forget(): void {
    for (const machine of this.machines.values()) if (machine.isOff) machine.power = { state: 'Off', reason: 'Unknown' };
    this.disconnect();
  }

  /** All present connections break; new ones work. */
  disconnect(): void {
    for (const connection of [...this.#connections]) connection.close();
  }

  joined(connection: Joined): void {
    this.#connections.add(connection);
    connection.ended.addEventListener('abort', () => this.#connections.delete(connection));
  }

  byUuid(uuid: string): FakeMachine | undefined {
    return [...this.machines.values()].find((machine) => machine.uuid === uuid.toLowerCase());
  }

  byName(nativeName: string): FakeMachine | undefined {
    return [...this.machines.values()].find((machine) => machine.nativeName === nativeName);
  }

  add(uuid: string, nativeName: string): FakeMachine {
    const machine = new FakeMachine({ id: this.#newId() as MachineId, uuid, nativeName, hardware: this.hardware }, this);
    machine.guest = this.#guests.get(uuid) ?? this.#usualGuest;
    this.machines.set(machine.id, machine);
    return machine;
  }

  addPool(uuid: string, nativeName: string, source: PoolSource): FakePool {
    const id = this.#newId() as FakePool['id'];
    const pool = new FakePool({ id, uuid, nativeName, source, directory: this.#storeOf(source), roomBytes: this.roomBytes });
    this.pools.set(id, pool);
    this.emit({ kind: 'pool', id });
    return pool;
  }

  /** Makes the network of this name, or makes it so. */
  setNetwork(change: Partial<FakeNetwork> & Pick<FakeNetwork, 'nativeName'>): NetworkId {
    const known = this.#network(change.nativeName);
    const id = known?.id ?? (this.#newId() as NetworkId);
    const uuid = known?.uuid ?? change.uuid ?? randomUUID();
    this.networks.set(id, { active: false, bridge: `br${this.networks.size}`, ...known, ...change, id, uuid });
    this.emit({ kind: 'network', id });
    return id;
  }

  #network(name: string): FakeNetwork | undefined {
    return [...this.networks.values()].find(({ nativeName }) => nativeName === name);
  }

  /** What the networks of a running machine have given its guest, if it asks. */
  leasesOf(machine: FakeMachine): readonly GuestAddress[] {
    if (machine.guest.asksForAddresses !== true) return [];
    const runsForMs = this.clock.now() - machine.startedAt;
    return this.#leases.of(machine, Date.now() - runsForMs, (name) => this.#network(name)?.live);
  }

  /** Interfaces of running machines. */
  attachedTo(network: string): number {
    const live = [...this.machines.values()].flatMap((machine) => machine.live?.interfaces ?? []);
    return live.filter((one) => one.network === network).length;
  }

  removeNetwork(id: NetworkId): void {
    if (this.networks.delete(id)) this.emit({ kind: 'network', id });
  }

  #storeOf(source: PoolSource): Directory {
    if (source.kind !== 'nfs') return this.directory(placeOf(source));
    const key = describeSource(source);
    const exported = this.exports.get(key) ?? new Map();
    this.exports.set(key, exported);
    this.#directories.set(source.path, exported);
    return exported;
  }

  /** The files in a directory, made if need be. */
  directory(path: string): Directory {
    const directory = this.#directories.get(path) ?? new Map();
    this.#directories.set(path, directory);
    return directory;
  }

  hasFile(location: string): boolean {
    const slash = location.lastIndexOf('/');
    return this.#directories.get(location.slice(0, slash))?.has(location.slice(slash + 1)) ?? false;
  }

  putFile(location: string, content: Uint8Array): FakeFile {
    const slash = location.lastIndexOf('/');
    const file = FakeFile.of(content);
    this.directory(location.slice(0, slash)).set(location.slice(slash + 1), file);
    return file;
  }

  /** Whether such a seed is carried with the machine. */
  carries(kind: SeedKind): boolean {
    return this.capabilities.some(({ field, values }) => field === 'seeds.carried' && values?.includes(kind) === true);
  }

  /** Throws when a disk is missing, or another running machine writes to it. */
  mustHaveDisksOf(machine: FakeMachine): void {
    const { disks = [], cdroms = [], boot, seed } = machine.configured ?? {};
    const told = seed !== undefined && this.carries(seed.kind) ? undefined : seed?.location;
    const files = [...[...disks, ...cdroms].map(({ location }) => location), boot?.kernel, boot?.initrd, told];
    for (const file of files)
      if (file !== undefined && !this.hasFile(file)) throw new DriverError('NotFound', `machine "${machine.nativeName}": no file ${file}`);
    for (const other of this.machines.values())
      for (const { location } of other.live?.disks ?? [])
        if (other !== machine && disks.some((disk) => disk.location === location))
          throw new DriverError('Conflict', `machine "${machine.nativeName}": ${location} is in use by "${other.nativeName}"`);
  }

  /** Throws when a network that the machine is attached to is missing or off. */
  mustHaveNetworksOf({ nativeName, configured }: FakeMachine): void {
    for (const { network } of configured?.interfaces ?? []) {
      const found = this.#network(network);
      if (found === undefined) throw new DriverError('NotFound', `machine "${nativeName}": no network ${network}`);
      if (!found.active) throw new DriverError('Conflict', `machine "${nativeName}": network ${network} is not active`);
    }
  }

  newMacAddress(): string {
    const number = (++this.#lastMacAddress).toString(16).padStart(6, '0');
    return `02:fa:ce:${number.slice(0, 2)}:${number.slice(2, 4)}:${number.slice(4, 6)}`;
  }

  changed(machine: FakeMachine): void {
    this.emit({ kind: 'machine', id: machine.id });
  }

  vanished(machine: FakeMachine): void {
    this.machines.delete(machine.id);
  }

  emit(event: HostEvent): void {
    this.bulletin.tell(event);
  }

  #newId(): string {
    return `fake-${++this.#lastId}`;
  }
}
