import type { MachineId } from '#drivers/driver.js';
import type { MachineRecord } from './record.js';

/** What running machines were asked, and their hosts answered: of what the record alone says it is not known that anybody heard. */
export class Heard {
  readonly #of = new Map<MachineId, ReadonlyMap<string, number>>();

  add(id: MachineId, key: string, { live }: MachineRecord): void {
    this.#of.set(id, new Map([...(this.#of.get(id) ?? []), [key, live?.[key]?.at ?? 0]]));
  }

  /** The keys of the record that this is true of; the others are forgotten. */
  of(id: MachineId, { live = {} }: MachineRecord): ReadonlySet<string> {
    const still = [...(this.#of.get(id) ?? [])].filter(([key, at]) => live[key]?.at === at);
    if (still.length === 0) this.#of.delete(id);
    else this.#of.set(id, new Map(still));
    return new Set(still.map(([key]) => key));
  }
}
