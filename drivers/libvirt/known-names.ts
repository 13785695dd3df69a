import type { MachineId } from '#drivers/driver.js';
import { attribute, type XmlElement } from '#drivers/xml/tree.js';
import { type DeviceNames, namesIn } from './stats-record.js';

/** Of one run of a machine, by libvirt's number. */
interface Known {
  readonly run: number;
  readonly names: DeviceNames;
}

/**
 * Which device of a running machine is which disk or interface of the manifest. Only its XML tells, one machine a call: what was read of it for
 * another reason need not be asked for again.
 */
export class KnownNames {
  readonly #known = new Map<MachineId, Known>();

  /** What a machine has now; undefined for one that is off, or gone. */
  note(id: MachineId, live: XmlElement | undefined): void {
    const run = Number(attribute(live, 'id') ?? Number.NaN);
    if (live === undefined || Number.isNaN(run)) this.#known.delete(id);
    else this.#known.set(id, { run, names: namesIn(live) });
  }

  learn(id: MachineId, run: number, names: DeviceNames): void {
    this.#known.set(id, { run, names });
  }

  /** Undefined unless all of these targets are known of this run. */
  of(id: MachineId, run: number, targets: readonly string[]): DeviceNames | undefined {
    if (targets.length === 0) return new Map();
    const known = this.#known.get(id);
    return known?.run === run && targets.every((target) => known.names.has(target)) ? known.names : undefined;
  }

  /** Forgets all others. */
  keep(ids: ReadonlySet<MachineId>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }
}
