import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type {
  Driver,
  Glance,
  Machine,
  MachineDefinition,
  MachineDisk,
  MachineId,
  Mark,
  OwnerMark,
  PowerState,
  VolumeFormat,
} from '#drivers/driver.js';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import type { GuestRecipe, Guests, Inability, Peer, Subject } from './subject.js';

let answerMs = 30_000;

export const soon = (ms = answerMs): AbortSignal => AbortSignal.timeout(ms);

/** For a host whose every step is emulated: in this file answers may take so long, in milliseconds. */
export function waitLonger(ms: number): void {
  answerMs = ms;
}

export const someoneElse: OwnerMark = { cluster: 'elsewhere', namespace: 'theirs', name: 'theirs', uid: 'somebody-else' };

export interface Made {
  readonly id: MachineId;
  readonly definition: MachineDefinition;
  readonly mark: Mark;
  readonly owner: OwnerMark;
}

/** One driver on stage: makes machines for the checks, looks at them, and clears them away. */
export class Stage {
  readonly subject: Subject;
  readonly driver: Driver;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(subject: Subject, driver: Driver) {
    this.subject = subject;
    this.driver = driver;
  }

  /** A machine that nothing else on the host resembles. */
  definition(change: Partial<MachineDefinition> = {}): MachineDefinition {
    const uuid = randomUUID();
    const nativeName = `contract.${uuid.slice(0, 8)}`;
    return {
      uuid,
      nativeName,
      cpuCount: 1,
      memoryBytes: 64 << 20,
      disks: [],
      interfaces: [],
      serial: false,
      rng: false,
      ...this.subject.shape,
      ...change,
    };
  }

  mark(change: Partial<Mark> = {}): Mark {
    return { owner: { cluster: 'contract', namespace: 'shop', name: 'web', uid: randomUUID() }, record: '', ...change };
  }

  /** For `skip`: whether the host does not say that it knows this field. */
  async lacks(field: string): Promise<string | false> {
    const { capabilities } = await this.driver.host.describe(soon());
    return !capabilities.some((one) => one.field === field) && `${this.subject.name} does not say that it has ${field}`;
  }

  async define(definition = this.definition(), mark = this.mark()): Promise<Made> {
    const id = await this.driver.machines.define(definition, mark, soon());
    this.later(async () => {
      const left = await this.find(id);
      if (left?.uuid !== definition.uuid.toLowerCase() || left.mark === undefined) return;
      await this.driver.power.cut(id, left.mark.owner, soon());
      await this.driver.machines.undefine(id, left.mark.owner, { keepState: false }, soon());
    });
    return { id, definition, mark, owner: mark.owner };
  }

  async running(definition = this.definition()): Promise<Made> {
    const made = await this.define(definition);
    await this.driver.power.start(made.id, { paused: false }, soon());
    return made;
  }

  /** A machine with such a guest, running and up. */
  async guest({ prepare, ready }: GuestRecipe, change: Partial<MachineDefinition> = {}): Promise<Made> {
    const made = await this.running(await prepare(this.definition(change)));
    await ready?.(this.driver, made.id);
    return made;
  }

  /** The machine of this uuid, by the list: it must be there. */
  async listed(uuid: string): Promise<Glance> {
    const glance = (await this.driver.machines.list(soon())).find((one) => one.uuid === uuid);
    if (glance === undefined) throw new Error(`machine ${uuid} is not listed`);
    return glance;
  }

  async isListed(uuid: string): Promise<boolean> {
    return (await this.driver.machines.list(soon())).some((one) => one.uuid === uuid);
  }

  async find(id: MachineId): Promise<Machine | undefined> {
    return (await this.driver.machines.read([id], soon())).machines[0];
  }

  async look(id: MachineId): Promise<Machine> {
    const machine = await this.find(id);
    if (machine === undefined) throw new Error(`machine ${id} is not on the host`);
    return machine;
  }

  async power(id: MachineId): Promise<PowerState> {
    return (await this.look(id)).power;
  }

  async pass(): Promise<void> {
    await (this.subject.pass ?? (() => sleep(50)))();
  }

  can(what: Inability): boolean {
    return this.subject.cannot?.includes(what) !== true;
  }

  /** For `skip`: why a check of this is skipped, or false. */
  unless(...needs: readonly Inability[]): string | false {
    const missing = needs.filter((need) => !this.can(need));
    return missing.length > 0 && `${this.subject.name} states that it cannot: ${missing.join(', ')}`;
  }

  /** Not off any more, and executing nothing where the host can start so. */
  switchOn(id: MachineId): Promise<void> {
    return this.driver.power.start(id, { paused: this.can('startPaused') }, soon());
  }

  /** A disk as it is asked for: of any file, where the host takes it to be there. */
  async disk(name: string, location: string, format: VolumeFormat): Promise<Pick<MachineDisk, 'name' | 'location' | 'format'>> {
    return { name, ...((await this.subject.disk?.(name, format)) ?? { location, format }) };
  }

  /** Looks again and again; gives the last look, whether it suits or not. */
  async until<T>(look: () => Promise<T>, suits: (seen: T) => boolean): Promise<T> {
    let seen = await look();
    for (let looks = this.subject.looks ?? 200; looks > 0 && !suits(seen); looks--) {
      await this.pass();
      seen = await look();
    }
    return seen;
  }

  untilPower(id: MachineId, state: PowerState['state']): Promise<PowerState> {
    return this.until(
      () => this.power(id),
      (power) => power.state === state,
    );
  }

  /** To be put back when the suite is over, the last first. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }

  /** A check that needs this of the peer: skipped by name where the peer cannot. */
  async withPeer<K extends keyof Peer>(
    t: Test,
    sentence: string,
    needs: readonly K[],
    check: (t: Test, peer: Required<Pick<Peer, K>>) => Promise<void>,
  ): Promise<void> {
    const missing = needs.filter((need) => this.subject.peer[need] === undefined);
    const skip = missing.length > 0 && `not supported by the peer of ${this.subject.name}: ${missing.join(', ')}`;
    // Nothing is missing when the check runs.
    await t.test(sentence, { skip }, (t) => check(t, this.subject.peer as Required<Pick<Peer, K>>));
  }

  async withGuest<K extends keyof Guests>(
    t: Test,
    sentence: string,
    kind: K,
    check: (t: Test, recipe: NonNullable<Guests[K]>) => Promise<void>,
  ): Promise<void> {
    const recipe = this.subject.guests?.[kind];
    const skip = recipe === undefined && `no ${kind} guest for ${this.subject.name}`;
    // There is a recipe when the check runs.
    await t.test(sentence, { skip }, (t) => check(t, recipe as NonNullable<Guests[K]>));
  }
}

/** The call must reject with a DriverError of one of these codes. */
export async function refused(t: Test, call: Promise<unknown>, ...codes: readonly DriverErrorCode[]): Promise<void> {
  const reason = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const found = reason instanceof DriverError ? reason.code : reason;
  t.ok(reason instanceof DriverError && codes.includes(reason.code), `is refused as ${codes.join(' or ')}`, { found, reason });
}

/** The thing is refused as Invalid, or done; says which. */
export async function acceptedOrInvalid(t: Test, call: Promise<unknown>): Promise<boolean> {
  const reason = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (reason !== undefined) t.match(reason, { name: 'DriverError', code: 'Invalid' }, 'nothing but Invalid refuses a text');
  return reason === undefined;
}
