import { isDeepStrictEqual } from 'node:util';
import type { Driver, Glance, Machine, MachineId, OwnerMark, Unread } from '#drivers/driver.js';
import { Batches } from './batches.js';

/** What is not as it was, or could not be read, and what is not there any more. */
export interface MachineChanges {
  readonly changed: readonly Machine[];
  readonly gone: readonly Machine[];
}

/**
 * The machines of one host. One that cannot be read keeps nobody waiting: it is tried again by itself, and who looks for it is told why it
 * cannot be seen.
 */
export class MachinesView {
  readonly #driver: Pick<Driver, 'machines'>;
  readonly #signal: AbortSignal;
  readonly #onChange: (changes: MachineChanges) => void;
  readonly #known = new Map<MachineId, Machine>();
  readonly #unread = new Map<MachineId, Unread>();
  readonly #reads = new Batches<MachineId | 'all'>((keys) => this.#read(keys));
  readonly #retries = new Batches<MachineId>((ids) => this.#readThese([...ids]));

  constructor(driver: Pick<Driver, 'machines'>, onChange: (changes: MachineChanges) => void, signal: AbortSignal) {
    this.#driver = driver;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#reads.mark('all');
  }

  /** As last seen; also those that cannot be read now. */
  get all(): readonly Machine[] {
    return [...this.#known.values()];
  }

  get unread(): readonly Unread[] {
    return [...this.#unread.values()];
  }

  /** Of the unread, those that never were read: nothing at all is known of what they have, or of whose they are. */
  get unseen(): readonly Unread[] {
    return this.unread.filter(({ glance: { id } }) => !this.#known.has(id));
  }

  /** Throws the DriverError for which the machine it would be could not be read. So do the next two. */
  byUuid(uuid: string): Machine | undefined {
    return this.#find((machine) => machine.uuid === uuid);
  }

  byName(nativeName: string): Machine | undefined {
    return this.#find((machine) => machine.nativeName === nativeName);
  }

  byOwner({ cluster, namespace, name }: Omit<OwnerMark, 'uid'>): Machine | undefined {
    return this.#find(({ mark }) => mark?.owner.cluster === cluster && mark.owner.namespace === namespace && mark.owner.name === name);
  }

  mark(...ids: readonly MachineId[]): void {
    for (const id of ids) {
      if (!this.#unread.has(id)) this.#reads.mark(id);
      else this.#tryAgain(id);
    }
  }

  markAll(): void {
    this.#reads.mark('all');
  }

  settle(signal: AbortSignal): Promise<void> {
    return this.#reads.settle(signal);
  }

  /** Marks what a state-only look shows to be new, gone or in another state. Cheap enough for every few seconds. */
  async glance(signal: AbortSignal): Promise<void> {
    const glances = await this.#driver.machines.list(signal);
    const listed = new Set(glances.map(({ id }) => id));
    this.mark(...glances.filter((glance) => differs(glance, this.#known.get(glance.id))).map(({ id }) => id));
    this.mark(...[...this.#known.keys(), ...this.#unread.keys()].filter((id) => !listed.has(id) || this.#unread.has(id)));
  }

  /** Whoever is told looks again, and reads what a failed act of theirs has marked: told of what is as before, they would never rest. */
  #isNews(machine: Machine): boolean {
    return this.#unread.has(machine.id) || !isDeepStrictEqual(machine, this.#known.get(machine.id));
  }

  #find(suits: (machine: Glance & Pick<Machine, 'mark'>) => boolean): Machine | undefined {
    const unread = this.unread.find(({ glance }) => suits({ ...this.#known.get(glance.id), ...glance }));
    if (unread !== undefined) throw unread.reason;
    return this.all.find(suits);
  }

  #tryAgain(id: MachineId): void {
    this.#retries.mark(id);
    this.#retries.settle(this.#signal).catch(() => {}); // it stays marked
  }

  async #read(keys: ReadonlySet<MachineId | 'all'>): Promise<void> {
    if (!keys.has('all')) return this.#readThese([...keys] as MachineId[]);
    const listed = (await this.#driver.machines.list(this.#signal)).map(({ id }) => id);
    const apart = [...this.#unread.keys()];
    await this.#readThese([...new Set([...this.#known.keys(), ...listed])].filter((id) => !apart.includes(id)));
    for (const id of apart) this.#tryAgain(id);
  }

  async #readThese(ids: readonly MachineId[]): Promise<void> {
    if (ids.length === 0) return;
    const { machines, unread } = await this.#driver.machines.read(ids, this.#signal);
    const lost = unread.flatMap(({ glance: { id } }) => (this.#unread.has(id) ? [] : (this.#known.get(id) ?? [])));
    const changed = [...machines.filter((machine) => this.#isNews(machine)), ...lost];
    for (const id of ids) this.#unread.delete(id);
    for (const one of unread) this.#unread.set(one.glance.id, one);
    const present = new Set([...machines, ...unread.map(({ glance }) => glance)].map(({ id }) => id));
    const gone = ids.flatMap((id) => (present.has(id) ? [] : (this.#known.get(id) ?? [])));
    for (const { id } of gone) this.#known.delete(id);
    for (const machine of machines) this.#known.set(machine.id, machine);
    if (changed.length > 0 || gone.length > 0) this.#onChange({ changed, gone });
  }
}

const differs = ({ power }: Glance, known: Machine | undefined): boolean =>
  known === undefined || known.power.state !== power.state || known.power.reason !== power.reason;
