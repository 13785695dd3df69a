import type { VirtualMachine } from '#crds/types.js';
import { compareVersions } from '../kubernetes/resource.js';
import { latest, type ReadonlyStore } from '../kubernetes/store.js';
import { largerOf, type Need, needOf } from './need.js';

/** What the machines of a host take of it, and how many they are. */
export interface Usage extends Need {
  readonly machines: number;
}

/** Room that is kept for a machine from the moment its host is chosen until the API server shows what became of it. */
export interface Reservation {
  /** It is bound as the store shows, or surely is not. */
  release(): void;
  /** Nobody knows whether the binding was written: room is kept until the machine shows another version than this, or a minute is over. */
  linger(resourceVersion: string): void;
}

interface Reserved {
  readonly host: string;
  readonly need: Need;
  /** Of the machine as it was before its binding was tried. */
  version?: string;
}

interface Entry {
  readonly bound: readonly string[];
  readonly need: Need;
  readonly reserved: Set<Reserved>;
}

const nothing: Usage = { cpuCount: 0, memoryBytes: 0, machines: 0 };
/** An API server ends a request by then. */
const lingerMs = 60_000;

/** Who has what of which host, counted as machines come and go: what is bound, and what is about to be. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #usage = new Map<string, Usage>();
  readonly #listeners = new Set<(host: string) => void>();

  constructor(machines: ReadonlyStore<VirtualMachine>) {
    for (const machine of machines.list()) this.#see(machine);
    machines.subscribe((change) => {
      if (change.kind === 'deleted') this.#forget(change.previous.metadata.uid);
      else this.#see(latest(change));
    });
  }

  /** Without what the machine of this uid has there, where one is named. */
  usage(host: string, exceptFor?: string): Usage {
    const all = this.#usage.get(host) ?? nothing;
    const entry = exceptFor === undefined ? undefined : this.#entries.get(exceptFor);
    const its = entry === undefined ? undefined : sharesOf(entry).get(host);
    return its === undefined ? all : plus(all, its, -1);
  }

  /** Told of every host on which there is more room than before. */
  onRoom(listener: (host: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Where the machine is, or is about to be. */
  hostsOf(uid: string): readonly string[] {
    const entry = this.#entries.get(uid);
    return entry === undefined ? [] : [...sharesOf(entry).keys()];
  }

  reserve(machine: VirtualMachine, host: string): Reservation {
    const { uid } = machine.metadata;
    const reserved: Reserved = { host, need: needOf(machine) };
    this.#change(uid, (entry) => entry.reserved.add(reserved));
    const release = () => this.#change(uid, (entry) => entry.reserved.delete(reserved));
    return {
      release,
      linger: (resourceVersion) => {
        reserved.version = resourceVersion;
        setTimeout(release, lingerMs).unref();
      },
    };
  }

  #see(machine: VirtualMachine): void {
    const { uid, resourceVersion } = machine.metadata;
    this.#change(uid, ({ reserved }) => {
      for (const one of reserved) if (one.version !== undefined && compareVersions(one.version, resourceVersion) < 0) reserved.delete(one);
      return { bound: hostsIn(machine), need: needOf(machine), reserved };
    });
  }

  #forget(uid: string): void {
    this.#change(uid, ({ need, reserved }) => ({ bound: [], need, reserved }));
  }

  #change(uid: string, change: (entry: Entry) => unknown): void {
    const entry = this.#entries.get(uid) ?? { bound: [], need: nothing, reserved: new Set() };
    const before = sharesOf(entry);
    const changed = change(entry);
    const after = isEntry(changed) ? changed : entry;
    if (after.bound.length === 0 && after.reserved.size === 0) this.#entries.delete(uid);
    else this.#entries.set(uid, after);
    this.#count(before, sharesOf(after));
  }

  #count(before: Shares, after: Shares): void {
    for (const [host, its] of before) this.#usage.set(host, plus(this.usage(host), its, -1));
    for (const [host, its] of after) this.#usage.set(host, plus(this.usage(host), its, 1));
    const freed = [...before].filter(([host, its]) => isLess(after.get(host), its)).map(([host]) => host);
    for (const host of freed) for (const listener of this.#listeners) listener(host);
  }
}

type Shares = ReadonlyMap<string, Need>;

const plus = (usage: Usage, { cpuCount, memoryBytes }: Need, sign: 1 | -1): Usage => ({
  cpuCount: usage.cpuCount + sign * cpuCount,
  memoryBytes: usage.memoryBytes + sign * memoryBytes,
  machines: usage.machines + sign,
});

const isLess = (now: Need | undefined, before: Need): boolean =>
  now === undefined || now.cpuCount < before.cpuCount || now.memoryBytes < before.memoryBytes;

const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null && 'bound' in value;

/** One that goes from host to host has room on both. */
const hostsIn = ({ status }: VirtualMachine): readonly string[] =>
  [status?.hypervisor, status?.evacuation?.to].filter((host) => host !== undefined);

/** Once on each host, however often it is there. */
function sharesOf({ bound, need, reserved }: Entry): Shares {
  const shares = new Map(bound.map((host) => [host, need]));
  for (const { host, need: its } of reserved) shares.set(host, largerOf(shares.get(host) ?? its, its));
  return shares;
}
