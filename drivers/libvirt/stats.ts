import type { MachineStats, Stats } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import { idOf, readDomain } from './domains.js';
import { hasCode, present, unlessGone, unlessUnknown } from './gone.js';
import type { KnownNames } from './known-names.js';
import { listDomainsFlags, statsFlags, statsGroups } from './rpc/flags.js';
import { connectGetAllDomainStats } from './rpc/procedures.js';
import { paramsByField, type StatsRecord } from './rpc/types.js';
import { type DeviceNames, deviceNames, type StatsFields, statsOf, targetsOf } from './stats-record.js';
import { recordsSingly } from './stats-singly.js';

const { state, cpuTotal, balloon, vcpu, interface: traffic, block } = statsGroups;
/** What is asked of every machine. */
export const measured = state | cpuTotal | balloon | vcpu | traffic | block;

interface Measured {
  readonly record: StatsRecord;
  readonly fields: StatsFields;
}

export class LibvirtStats implements Stats {
  readonly #daemon: Daemon;
  readonly #names: KnownNames;
  #singly = false;

  constructor(daemon: Daemon, names: KnownNames) {
    this.#daemon = daemon;
    this.#names = names;
  }

  async read(signal: AbortSignal): Promise<readonly MachineStats[]> {
    const records = await this.#records(signal).catch((reason) => {
      // The first question to a QEMU that hangs waits for it, whatever was asked; from the second on, the host skips it.
      if (hasCode(reason, 'TimedOut')) return this.#records(signal);
      throw reason;
    });
    const all = records.map((record) => ({ record, fields: paramsByField(record.params) }));
    const named = await Promise.all(all.map(async (one) => [one, await unlessGone(this.#namesOf(one, signal))] as const));
    this.#names.keep(new Set(records.map(({ domain }) => idOf(domain))));
    return present(named.map(([{ record, fields }, names]) => statsOf(idOf(record.domain), fields, names, { answered: this.#singly })));
  }

  /** Where there is no call for all of them, that is found out once. */
  async #records(signal: AbortSignal): Promise<readonly StatsRecord[]> {
    if (this.#singly) return recordsSingly(this.#daemon, signal);
    const records = await unlessUnknown(this.#allRecords(signal));
    if (records !== undefined) return records;
    this.#singly = true;
    return recordsSingly(this.#daemon, signal);
  }

  #allRecords(signal: AbortSignal): Promise<readonly StatsRecord[]> {
    // One number with its highest bits set: addition, as the bitwise or would make it negative.
    const flags = statsFlags.noWait + listDomainsFlags.active;
    const options = { lane: 'slow', timeoutMs: 5_000 } as const;
    return this.#daemon.connection.call(connectGetAllDomainStats, { domains: [], stats: measured, flags }, options, signal);
  }

  /** The host tells a device's target; which disk or interface of the manifest that is, its XML tells once for each target of a run, if nobody read that meanwhile. */
  async #namesOf({ record: { domain }, fields }: Measured, signal: AbortSignal): Promise<DeviceNames> {
    const [id, targets] = [idOf(domain), targetsOf(fields)];
    const known = this.#names.of(id, domain.id, targets);
    if (known !== undefined) return known;
    const names = deviceNames(await readDomain(this.#daemon, id, 'current', signal), targets);
    this.#names.learn(id, domain.id, names);
    return names;
  }
}
