import type { Glance, Hardware, Machine, MachineId, MachineShape, Mark, PowerReason, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import { type Delay, type Guest, plainGuest } from './guest.js';
import type { Queue } from './queue.js';
import { Serial } from './serial.js';
import type { FakeSnapshot } from './snapshot.js';
import type { FakeFile } from './store.js';

const off = (reason: PowerReason): PowerState => ({ state: 'Off', reason });

/** What a machine needs of the host it is on. */
export interface Surroundings {
  readonly clock: Clock;
  /** Something about the machine is different now. */
  changed(machine: FakeMachine): void;
  /** In the place of what is there. */
  putFile(location: string, content: Uint8Array): FakeFile;
  /** It stopped without a definition: the host forgets it. */
  vanished(machine: FakeMachine): void;
}

/** One machine on a fake host, seen from the host's side: it knows no owner's rights and no connection. */
export class FakeMachine {
  readonly id: MachineId;
  readonly uuid: string;
  nativeName: string;
  readonly hardware: Hardware;
  mark: Mark | undefined;
  configured: MachineShape | undefined;
  live: MachineShape | undefined;
  power: PowerState = off('Unknown');
  guest: Guest = plainGuest;
  readonly serial = new Serial();
  /** What those who look at its screen are told. */
  readonly viewers = new Set<Queue<Uint8Array>>();
  snapshots: readonly FakeSnapshot[] = [];
  /** The one it goes on from. */
  currentSnapshot: string | undefined;
  /** How many were taken. */
  taken = 0;
  /** How often its definition was written. */
  writes = 0;
  /** What others put into the definition, and an edit must leave in peace. */
  readonly foreign = new Set<string>();
  /** When it was started, by the host's clock. */
  startedAt = 0;
  readonly #host: Surroundings;
  #run = 0;
  /** What it had when it was saved. */
  #saved: MachineShape | undefined;
  #looks: { left: number; readonly act: () => void }[] = [];
  #onResume: (() => void)[] = [];

  constructor(identity: Pick<Machine, 'id' | 'uuid' | 'nativeName' | 'hardware'>, host: Surroundings) {
    ({ id: this.id, uuid: this.uuid, nativeName: this.nativeName, hardware: this.hardware } = identity);
    this.#host = host;
  }

  get banner(): string {
    return this.guest.banner ?? `${this.nativeName} booted\n`;
  }

  get isOff(): boolean {
    return this.power.state === 'Off';
  }

  start({ paused }: { readonly paused: boolean }): void {
    if (this.guest.refusesToStart !== undefined) {
      this.become(off('Failed'));
      throw this.guest.refusesToStart;
    }
    const saved = this.#saved;
    this.#saved = undefined;
    this.live = structuredClone(saved ?? this.configured);
    this.serial.log = this.live?.serialLog === undefined ? undefined : this.#host.putFile(this.live.serialLog, new Uint8Array());
    this.startedAt = this.#host.clock.now();
    this.become(paused ? { state: 'Paused', reason: 'StartingUp' } : { state: 'On', reason: 'Booted' });
    if (saved === undefined) this.#boot();
  }

  press(): void {
    if (this.guest.deaf === true || this.power.state !== 'On') return;
    const { shows, ...delay } = this.guest.powersOff ?? {};
    if (shows === 'Stopping') this.become({ state: 'Stopping', reason: 'Guest' });
    this.#later(delay, () => this.stop('Guest'));
  }

  cut(): void {
    const wasSaved = this.#saved !== undefined;
    this.#saved = undefined;
    if (!this.isOff || wasSaved) this.stop('Cut');
  }

  save(): void {
    if (this.power.reason === 'Saved') return;
    if (this.power.state !== 'On')
      throw new DriverError('Conflict', `machine "${this.nativeName}" is ${this.power.state}; only one that is On is saved`);
    const { live } = this;
    this.stop('Saved');
    this.#saved = live;
  }

  /** What runs, or was saved. */
  get running(): MachineShape | undefined {
    return this.live ?? this.#saved;
  }

  keep(taken: FakeSnapshot): void {
    this.snapshots = [...this.snapshots, taken];
    this.currentSnapshot = taken.snapshot.id;
    this.#host.changed(this);
  }

  /** Those that went on from it go on from what was before it. */
  dropSnapshot(key: string): void {
    const gone = this.snapshots.find(({ snapshot }) => snapshot.key === key)?.snapshot;
    if (gone === undefined) return;
    this.snapshots = this.snapshots
      .filter(({ snapshot }) => snapshot !== gone)
      .map((each) => (each.snapshot.parent === gone.id ? withParent(each, gone.parent) : each));
    if (this.currentSnapshot === gone.id) this.currentSnapshot = gone.parent;
    this.#host.changed(this);
  }

  revert({ snapshot, configured, live }: FakeSnapshot): void {
    this.configured = structuredClone(configured);
    this.#saved = structuredClone(live);
    this.currentSnapshot = snapshot.id;
    this.writes++;
    this.become(off(live === undefined ? 'Unknown' : 'Saved'));
  }

  /** Whatever the reason, it is off now; without a definition it is gone. */
  stop(reason: PowerReason): void {
    this.#forgetRun();
    this.live = undefined;
    this.serial.end();
    for (const viewer of this.viewers) viewer.end();
    this.viewers.clear();
    this.power = off(reason);
    if (this.configured === undefined) this.#host.vanished(this);
    this.#host.changed(this);
  }

  reset(): void {
    this.#forgetRun();
    if (this.power.state === 'Stopping') this.become({ state: 'On', reason: 'Booted' });
    this.startedAt = this.#host.clock.now();
    this.#boot();
  }

  pause(reason: PowerReason = 'User'): void {
    if (this.power.state !== 'Paused') this.become({ state: 'Paused', reason });
  }

  resume(): void {
    if (this.power.state !== 'Paused') return;
    if (this.power.reason === 'Crashed') throw new DriverError('Conflict', `machine "${this.nativeName}": its guest has crashed`);
    if (this.power.reason === 'Busy') throw new DriverError('Busy', `machine "${this.nativeName}": the host paused it for work of its own`);
    this.become({ state: 'On', reason: 'Booted' });
    for (const act of this.#onResume.splice(0)) act();
  }

  /** What runs becomes another, once its guest lets go of what it must: at once when nothing is taken from it. */
  change(become: (live: MachineShape) => MachineShape, { takes }: { readonly takes: boolean }): void {
    const { letsGo = {} } = this.guest;
    if (takes && letsGo === 'Never') return;
    this.#later(takes && letsGo !== 'Never' ? letsGo : {}, () => {
      if (this.live === undefined) return;
      this.live = become(this.live);
      this.#host.changed(this);
    });
  }

  become(power: PowerState): void {
    this.power = power;
    this.#host.changed(this);
  }

  write(configured: MachineShape, mark: Mark | undefined): void {
    this.configured = configured;
    this.mark = mark;
    this.writes++;
    this.#host.changed(this);
  }

  remark(mark: Mark | undefined): void {
    this.mark = mark;
    if (this.configured !== undefined) this.writes++;
    this.#host.changed(this);
  }

  /** Someone lists or reads the machine: for guests that count looks instead of time. */
  looked(): void {
    for (const look of [...this.#looks]) look.left--;
    const due = this.#looks.filter(({ left }) => left < 0);
    this.#looks = this.#looks.filter(({ left }) => left >= 0);
    for (const { act } of due) act();
  }

  glance(): Glance {
    return { id: this.id, uuid: this.uuid, nativeName: this.nativeName, power: this.power };
  }

  /** A copy: nobody outside holds what the host holds. */
  machine(): Machine {
    const { mark, configured, live, hardware } = this;
    const found = mark === undefined && configured ? { found: { shape: configured, kept: [...this.foreign] } } : {};
    const parts = { ...(mark && { mark }), ...(configured && { configured }), ...(live && { live }), ...found, hardware };
    return structuredClone({ ...this.glance(), ...parts });
  }

  #boot(): void {
    this.#whenRunning(() => this.serial.print(this.banner));
    const { afterStart } = this.guest;
    if (afterStart !== undefined) this.#later(afterStart, () => this.stop(afterStart.does === 'Crash' ? 'Crashed' : 'Guest'));
  }

  #forgetRun(): void {
    this.#run++;
    this.#looks = [];
    this.#onResume = [];
  }

  #later({ afterMs, afterLooks }: Delay, act: () => void): void {
    const run = this.#run;
    const stillThen = () => (run === this.#run ? this.#whenRunning(act) : undefined);
    if (afterMs !== undefined) this.#host.clock.after(afterMs, stillThen);
    else if (afterLooks !== undefined) this.#looks.push({ left: afterLooks, act: stillThen });
    else stillThen();
  }

  /** A paused guest does nothing until it is resumed. */
  #whenRunning(act: () => void): void {
    if (this.power.state === 'Paused') this.#onResume.push(act);
    else act();
  }
}

function withParent(taken: FakeSnapshot, id: string | undefined): FakeSnapshot {
  const { parent: _, ...snapshot } = taken.snapshot;
  return { ...taken, snapshot: id === undefined ? snapshot : { ...snapshot, parent: id } };
}
