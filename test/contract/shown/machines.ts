import { type Asked, unfit } from '#controllers/fit.js';
import { asked } from '#controllers/virtual-machine/asked.js';
import type { Capability, Machine, MachineDefinition, MachineId, MachineSeed, MachineShape, PowerState } from '#drivers/driver.js';
import { changes, comings } from './changes.js';
import type { Shown } from './shown.js';

/** What is shown of machines: what was asked for and is read back, what was applied and runs. */
export class MachinesSeen {
  readonly #shown: Shown;
  readonly #capabilities: readonly Capability[];
  readonly #defined = new Map<MachineId, MachineDefinition>();
  readonly #live = new Map<MachineId, MachineShape>();
  /** What ran before something was applied. */
  readonly #before = new Map<MachineId, MachineShape>();
  readonly #power = new Map<MachineId, PowerState['state']>();
  /** A verb that shows itself by a pause, or by what was saved. */
  readonly #pausing = new Map<MachineId, string>();

  constructor(shown: Shown, capabilities: readonly Capability[]) {
    this.#shown = shown;
    this.#capabilities = capabilities;
  }

  defined(id: MachineId, definition: MachineDefinition): void {
    this.#defined.set(id, definition);
  }

  /** Of several reasons to refuse, nobody knows which it was. */
  refused(definition: MachineDefinition): void {
    const [one, ...more] = unfit(asked(definition), this.#capabilities);
    if (one !== undefined && more.length === 0) this.#shown.refused(one.field, one.given);
  }

  applied(id: MachineId): void {
    const live = this.#live.get(id);
    if (live !== undefined) this.#before.set(id, live);
  }

  /** What runs after this is another run, or in another state. */
  powered(id: MachineId, pausing?: 'power.startPaused' | 'power.pause' | 'power.save'): void {
    this.#live.delete(id);
    this.#before.delete(id);
    const wasOff = (this.#power.get(id) ?? 'Off') === 'Off';
    if (pausing === undefined || (pausing === 'power.startPaused' && !wasOff)) this.#pausing.delete(id);
    else this.#pausing.set(id, pausing);
  }

  /** Of a machine that is off there is nothing but disks. */
  kept(id: MachineId, memory: boolean): void {
    if (this.#power.get(id) === 'On') this.#shown.field('snapshots.memory', memory ? 'With' : 'Without');
  }

  read(machine: Machine): void {
    const { id, power, live, hardware } = machine;
    this.#readBack(machine);
    const verb = this.#pausing.get(id);
    const shows = verb === 'power.save' ? power.reason === 'Saved' : power.state === 'Paused';
    if (verb !== undefined && shows) this.#shown.field(verb);
    this.#power.set(id, power.state);
    if (live === undefined) return;
    // Which one it is, is the host's own: the same is written down wherever it runs.
    for (const { field } of this.#capabilities) if (field in hardware) this.#shown.field(field);
    this.#runs(machine, live);
    this.#live.set(id, live);
  }

  #readBack({ id, nativeName, configured }: Machine): void {
    const definition = this.#defined.get(id);
    if (definition === undefined || configured === undefined) return;
    const found = asked({ ...configured, nativeName });
    for (const one of asked(definition))
      if (found.some((other) => isSame(one, other)) && !this.#isShort(one)) this.#shown.field(one.field, one.given);
    this.#carried(definition.seed, configured.seed);
  }

  /** What is carried is never told again: that it was taken, and is called so, is all that there is to be seen. */
  #carried(given: MachineSeed | undefined, found: MachineSeed | undefined): void {
    if (given?.content === undefined || given.kind !== found?.kind || given.location !== found.location) return;
    this.#shown.field('seeds.carried', given.kind);
    const longest = this.#capabilities.find(({ field }) => field === 'ignition.size')?.max;
    if (given.content.length === longest) this.#shown.field('ignition.size', longest);
  }

  /** A name shows that there is room for it, and not for the longest. */
  #isShort({ field, given }: Asked): boolean {
    return field === 'nativeName' && given !== this.#capabilities.find((one) => one.field === field)?.max;
  }

  #runs({ id, configured }: Machine, live: MachineShape): void {
    const before = this.#before.get(id);
    if (before === undefined || configured === undefined) return;
    for (const field of changes(before, live, configured)) this.#shown.live(field);
    for (const { field, verb, word } of comings(before, live, configured)) {
      this.#shown.live(field);
      this.#shown.verb(verb);
      this.#shown.field(field, word);
    }
  }
}

const isSame = (one: Asked, other: Asked): boolean => one.field === other.field && one.given === other.given;
