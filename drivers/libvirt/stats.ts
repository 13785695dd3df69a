import type { MachineId, MachineStats, Stats } from '#drivers/driver.js';
import { attribute, child, elements } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { idOf, readDomain } from './domains.js';
import { hasCode, present, unlessGone } from './gone.js';
import { listDomainsFlags, statsFlags, statsGroups } from './rpc/flags.js';
import { connectGetAllDomainStats } from './rpc/procedures.js';
import { paramsByField, type StatsRecord } from './rpc/types.js';
import { diskName } from './xml/disk.js';

/** What is asked of every machine. */
export const measured = statsGroups.state | statsGroups.cpuTotal | statsGroups.balloon | statsGroups.block;

type Fields = ReturnType<typeof paramsByField>;

/** Target to the disk's name, of one run of one machine. */
interface Names {
  readonly run: number;
  readonly byTarget: ReadonlyMap<string, string>;
}

export class LibvirtStats implements Stats {
  readonly #daemon: Daemon;
  #names: ReadonlyMap<MachineId, Names> = new Map();

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async read(signal: AbortSignal): Promise<readonly MachineStats[]> {
    const records = await this.#records(signal).catch((reason) => {
      // The first question to a QEMU that hangs waits for it, whatever was asked; from the second on, the host skips it.
      if (hasCode(reason, 'TimedOut')) return this.#records(signal);
      throw reason;
    });
    const named = await Promise.all(records.map(async (record) => [record, await unlessGone(this.#namesOf(record, signal))] as const));
    this.#names = new Map(named.flatMap(([{ domain }, names]) => (names === undefined ? [] : [[idOf(domain), names]])));
    return present(named.map(([record, names]) => statsOf(record, names)));
  }

  #records(signal: AbortSignal): Promise<readonly StatsRecord[]> {
    // One number with its highest bits set: addition, as the bitwise or would make it negative.
    const flags = statsFlags.noWait + listDomainsFlags.active;
    const options = { lane: 'slow', timeoutMs: 5_000 } as const;
    return this.#daemon.connection.call(connectGetAllDomainStats, { domains: [], stats: measured, flags }, options, signal);
  }

  /** The host tells a disk's target; which disk of the manifest that is, its XML tells once per run, as disks are not exchanged in one. */
  async #namesOf({ domain }: StatsRecord, signal: AbortSignal): Promise<Names> {
    const id = idOf(domain);
    const known = this.#names.get(id);
    if (known?.run === domain.id) return known;
    const disks = elements(child(await readDomain(this.#daemon, id, 'current', signal), 'devices'), 'disk');
    const pairs = disks.map((disk) => [attribute(child(disk, 'target'), 'dev') ?? '', diskName(disk)] as const);
    return { run: domain.id, byTarget: new Map(pairs.flatMap(([target, name]) => (name === undefined ? [] : [[target, name]]))) };
  }
}

/** Undefined for a machine that did not answer: the host then leaves out what it tells beside its own bookkeeping, such as the memory in use. */
function statsOf({ domain, params }: StatsRecord, names: Names | undefined): MachineStats | undefined {
  const fields = paramsByField(params);
  const [cpu, memory] = [fields.get('cpu.time'), fields.get('balloon.current')];
  const disks = disksOf(fields, names);
  if (cpu === undefined || memory === undefined || disks === undefined || !fields.has('balloon.rss')) return undefined;
  return { id: idOf(domain), cpuSeconds: Number(cpu) / 1e9, memoryBytes: Number(memory) * 1024, disks };
}

/** Of the disks that carry a name. */
function disksOf(fields: Fields, names: Names | undefined): MachineStats['disks'] | undefined {
  const count = Number(fields.get('block.count') ?? 0);
  const disks = Array.from({ length: count }, (_, index) => {
    const [target, read, written] = ['name', 'rd.bytes', 'wr.bytes'].map((field) => fields.get(`block.${index}.${field}`));
    return { name: names?.byTarget.get(`${target}`), read, written };
  });
  if (disks.some(({ read, written }) => read === undefined || written === undefined)) return undefined;
  return disks.flatMap(({ name, read, written }) =>
    name === undefined ? [] : [{ name, readBytes: Number(read), writtenBytes: Number(written) }],
  );
}
