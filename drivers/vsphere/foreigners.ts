import type { Found } from '#drivers/driver.js';
import { foundIn } from './config/found.js';
import { readMark } from './config/mark.js';
import type { NativeMachine } from './config/native.js';
import type { Group, Inventory } from './inventory.js';

/** Of nobody of ours, and of no other product. */
export const isForeign = ({ extra, manager }: NativeMachine): boolean => readMark(extra) === undefined && manager === undefined;

interface Known {
  /** Of the machine, and of the port groups that were there. */
  readonly as: string;
  readonly found: Found;
}

/** What machines of others would be taken as. There may be a thousand that nobody wants: their devices are asked for once, and again when they changed. */
export class Foreigners {
  readonly #inventory: Inventory;
  readonly #known = new Map<string, Known>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async found(natives: readonly NativeMachine[], groups: readonly Group[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    const names = JSON.stringify(groups.map(({ name, distributed }) => [name, distributed?.portgroupKey]));
    const as = ({ changeVersion }: NativeMachine) => `${changeVersion} ${names}`;
    const news = natives.filter((native) => native.changeVersion === '' || this.#known.get(native.ref.value)?.as !== as(native));
    const devices = await this.#inventory.devicesOf(
      news.map(({ ref }) => ref),
      signal,
    );
    if (this.#known.size > mostKnown) this.#known.clear();
    for (const native of news) {
      const found = foundIn({ ...native, devices: devices.get(native.ref.value) ?? [] }, groups);
      this.#known.set(native.ref.value, { as: as(native), found });
    }
    const known = natives.map(({ ref: { value } }) => [value, this.#known.get(value)?.found] as const);
    return new Map(known.flatMap(([id, found]) => (found === undefined ? [] : [[id, found] as const])));
  }
}

/** More machines than a vCenter has: those that are gone are forgotten so. */
const mostKnown = 50_000;
