import type { Found } from '#drivers/driver.js';
import { foundIn } from './config/found.js';
import { readMark } from './config/mark.js';
import type { NativeMachine } from './config/native.js';
import type { Group, Inventory } from './inventory.js';

/** Of nobody of ours, and of no other product. */
export const isForeign = ({ extra, manager }: NativeMachine): boolean => readMark(extra) === undefined && manager === undefined;

interface Known {
  readonly changeVersion: string;
  readonly found: Found;
}

/** What machines of others would be taken as. There may be a thousand that nobody wants: their devices are asked for once, and again when they changed. */
export class Foreigners {
  readonly #inventory: Pick<Inventory, 'devicesOf'>;
  /** Of these port groups, whose names are kept once for all machines: there may be a thousand of either. */
  #groups = '';
  #known = new Map<string, Known>();

  constructor(inventory: Pick<Inventory, 'devicesOf'>) {
    this.#inventory = inventory;
  }

  async found(natives: readonly NativeMachine[], groups: readonly Group[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    if (natives.length === 0) return new Map();
    const known = this.#knownOf(groups);
    const isKnown = ({ changeVersion, ref }: NativeMachine) =>
      changeVersion !== '' && known.get(ref.value)?.changeVersion === changeVersion;
    const news = natives.filter((native) => !isKnown(native));
    const devices = await this.#inventory.devicesOf(
      news.map(({ ref }) => ref),
      signal,
    );
    for (const native of news) {
      const found = foundIn({ ...native, devices: devices.get(native.ref.value) ?? [] }, groups);
      known.set(native.ref.value, { changeVersion: native.changeVersion, found });
    }
    const told = natives.map(({ ref: { value } }) => [value, known.get(value)?.found] as const);
    return new Map(told.flatMap(([id, found]) => (found === undefined ? [] : [[id, found] as const])));
  }

  /** Of other port groups nothing is known. Made anew, not emptied: a look that is under way goes on with what it began with. */
  #knownOf(groups: readonly Group[]): Map<string, Known> {
    const names = JSON.stringify(groups.map(({ name, distributed }) => [name, distributed?.portgroupKey]));
    if (names !== this.#groups || this.#known.size > mostKnown) this.#known = new Map();
    this.#groups = names;
    return this.#known;
  }
}

/** More machines than a vCenter has: those that are gone are forgotten so. */
const mostKnown = 50_000;
