import { isDeepStrictEqual } from 'node:util';
import type { Driver, GuestAddress, GuestSight, Machine, MachineId } from '#drivers/driver.js';

/** What was last known of a guest, and of which boot. */
export interface GuestKnown {
  readonly boot: number;
  readonly sight: GuestSight;
  /** Addresses without a date that were there at the first look of this boot: nobody can tell that they are of this boot. */
  readonly early: readonly string[];
}

export const addressKey = ({ macAddress, ip }: Pick<GuestAddress, 'macAddress' | 'ip'>): string => `${macAddress} ${ip}`;

/** In milliseconds: from the first look of a boot on, ever more seldom while something is missing; then now and then. */
export interface GuestPace {
  readonly firstMs: number;
  readonly mostMs: number;
  readonly settledMs: number;
}

/** A boot of a machine, and when it began, in epoch ms. */
export interface Boot {
  readonly number: number;
  readonly at: number;
}

/** By a date in whole seconds, as leases have it. */
export const isSince = (since: number, { at }: Pick<Boot, 'at'>): boolean => Math.floor(since / 1_000) >= Math.floor(at / 1_000);

export interface GuestOptions {
  /** Which boot of a machine is under way. */
  readonly bootOf?: (machine: Machine) => Boot;
  readonly pace?: GuestPace;
}

const usualPace: GuestPace = { firstMs: 1_000, mostMs: 60_000, settledMs: 120_000 };

/** Silent agents are waited for a few seconds each: the others' turns come all the same. */
const mostAtOnce = 4;

interface Followed {
  machine: Machine;
  readonly boot: Boot;
  known: GuestKnown | undefined;
  misses: number;
  dueAt: number;
  looking: boolean;
  hinted: boolean;
}

/** The guests of a host's machines, those of ours that are on. No pass waits for them: they are looked at beside, each by its own clock. */
export class GuestsView {
  readonly #driver: Pick<Driver, 'guests'>;
  readonly #onChange: (machine: Machine) => void;
  readonly #bootOf: (machine: Machine) => Boot;
  readonly #pace: GuestPace;
  readonly #followed = new Map<MachineId, Followed>();
  #wake: () => void = () => {};

  constructor(driver: Pick<Driver, 'guests'>, onChange: (machine: Machine) => void, options: GuestOptions = {}) {
    this.#driver = driver;
    this.#onChange = onChange;
    this.#bootOf = options.bootOf ?? (() => ({ number: 0, at: 0 }));
    this.#pace = options.pace ?? usualPace;
  }

  known(id: MachineId): GuestKnown | undefined {
    return this.#followed.get(id)?.known;
  }

  /** As they are now. One that was started anew is looked at at once, and nothing of its last boot is left. */
  follow(machines: readonly Machine[]): void {
    for (const machine of machines) {
      const boot = this.#bootOf(machine);
      const followed = this.#followed.get(machine.id);
      if (!isWorthALook(machine)) this.#followed.delete(machine.id);
      else if (followed?.boot.number === boot.number) this.#refresh(followed, machine);
      else this.#followed.set(machine.id, { machine, boot, known: undefined, misses: 0, dueAt: 0, looking: false, hinted: false });
    }
    this.#wake();
  }

  /** An interface that was plugged in soon has an address. */
  #refresh(followed: Followed, machine: Machine): void {
    if (!isDeepStrictEqual(followed.machine.live?.interfaces, machine.live?.interfaces)) followed.dueAt = 0;
    followed.machine = machine;
  }

  forget(machines: readonly Machine[]): void {
    for (const { id } of machines) this.#followed.delete(id);
  }

  /** Its agent came or went. */
  hint(id: MachineId): void {
    const followed = this.#followed.get(id);
    if (followed === undefined) return;
    followed.dueAt = 0;
    followed.hinted = true;
    this.#wake();
  }

  /** Looks at whoever is due, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { guests } = this.#driver;
    if (guests === undefined) return;
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort);
    while (!signal.aborted) {
      const now = Date.now();
      const resting = [...this.#followed.values()].filter(({ looking }) => !looking);
      const free = mostAtOnce - (this.#followed.size - resting.length);
      const due = resting.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
      for (const followed of due.slice(0, Math.max(free, 0))) void this.#look(guests, followed, signal);
      const next = Math.min(...resting.filter((one) => !one.looking).map(({ dueAt }) => dueAt));
      await this.#sleep(free > 0 && Number.isFinite(next) ? Math.max(next - now, 10) : 60_000, signal);
    }
    signal.removeEventListener('abort', onAbort);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  async #look(guests: NonNullable<Driver['guests']>, followed: Followed, signal: AbortSignal): Promise<void> {
    followed.looking = true;
    followed.hinted = false;
    // A machine that is off by now, a host that is lost: whoever reads machines will see it.
    const sight = await guests.look(followed.machine.id, signal).catch(() => undefined);
    followed.looking = false;
    this.#schedule(followed, sight);
    if (sight !== undefined && this.#followed.get(followed.machine.id) === followed) this.#learn(followed, sight);
    this.#wake();
  }

  #learn(followed: Followed, sight: GuestSight): void {
    const before = followed.known;
    const undated = sight.addresses.filter(({ since, source }) => since === undefined && source !== 'Agent').map(addressKey);
    // What has gone, and comes back, came in this boot.
    const early = before === undefined ? undated : before.early.filter((key) => undated.includes(key));
    followed.known = { boot: followed.boot.number, sight, early };
    if (!isDeepStrictEqual(before, followed.known)) this.#onChange(followed.machine);
  }

  #schedule(followed: Followed, sight: GuestSight | undefined): void {
    const { firstMs, mostMs, settledMs } = this.#pace;
    const settled = sight !== undefined && isSettled(followed, sight);
    followed.misses = settled ? 0 : followed.misses + 1;
    const delay = settled ? settledMs : Math.min(firstMs * 1.5 ** Math.min(followed.misses, 32), mostMs);
    followed.dueAt = followed.hinted ? 0 : Date.now() + delay * (0.8 + 0.4 * Math.random());
  }
}

const isWorthALook = ({ mark, power, live }: Machine): boolean =>
  mark !== undefined && power.state === 'On' && live !== undefined && (live.guestAgent === true || live.interfaces.length > 0);

/** A lease of the boot before is none yet: the guest has still to ask for its own. */
function isSettled({ machine: { live }, boot }: Followed, { agent, addresses }: GuestSight): boolean {
  const present = addresses.filter(({ source, since }) => source === 'Agent' || since === undefined || isSince(since, boot));
  const missing = live?.interfaces.filter(({ macAddress }) => !present.some((one) => one.macAddress === macAddress)) ?? [];
  return missing.length === 0 && (agent === undefined || agent === 'Connected');
}
