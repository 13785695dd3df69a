import type { Draft, Glance, Machine, MachineDefinition, MachineId, Machines, Mark, OwnerMark, Readings, Unread } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner, sameOwner } from '#drivers/owner.js';
import { coverSecrets } from '#drivers/xml/cover.js';
import { indented } from '#drivers/xml/indent.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import type { Dialect, MachineOffer } from './dialects/dialect.js';
import { checkOwner, glances, handleOf, idOf, isActive, readDomain, transientIds } from './domains.js';
import { hasCode, present, unlessGone } from './gone.js';
import type { KnownNames } from './known-names.js';
import { machinesOf, type Offers } from './offers.js';
import { unknownFlags } from './rpc/driver-error.js';
import { undefineFlags } from './rpc/flags.js';
import { domainDefineXmlFlags, domainLookupByName, domainUndefineFlags } from './rpc/procedures.js';
import { markPlace, setMetadata } from './set-metadata.js';
import { foundIn } from './xml/found.js';
import { markElement, readMark, withMark } from './xml/metadata.js';
import { readIdentity } from './xml/read.js';

/** What the host keeps of a machine beside its definition, and what would hinder forgetting it. Its disks are no part of it. */
const everything = undefineFlags.managedSave | undefineFlags.snapshotsMetadata | undefineFlags.checkpointsMetadata;
/** What UEFI and the TPM wrote down: whoever makes the machine anew from its disks finds its boot entries and keys again. */
const keepingState = undefineFlags.keepNvram | undefineFlags.keepTpm;
const removingState = undefineFlags.nvram | undefineFlags.tpm;

const isOff = ({ power }: Glance) => power.state === 'Off';

export class LibvirtMachines implements Machines {
  readonly #daemon: Daemon;
  readonly #dialect: Dialect;
  readonly #offers: Offers;
  readonly #names: KnownNames;

  constructor(daemon: Daemon, dialect: Dialect, offers: Offers, names: KnownNames) {
    this.#daemon = daemon;
    this.#dialect = dialect;
    this.#offers = offers;
    this.#names = names;
  }

  list(signal: AbortSignal): Promise<readonly Glance[]> {
    return glances(this.#daemon, 'all', signal);
  }

  /** Only what runs can be without a definition. */
  async read(ids: readonly MachineId[], signal: AbortSignal): Promise<Readings> {
    if (ids.length === 0) return { machines: [], unread: [] };
    const found = await glances(this.#daemon, ids, signal);
    const there = new Set(found.map(({ id }) => id));
    for (const id of ids) if (!there.has(id)) this.#names.note(id, undefined);
    const transient = found.every(isOff) ? new Set<MachineId>() : await transientIds(this.#daemon, signal);
    const read = (glance: Glance) => orUnread(glance, unlessGone(this.#readOne(glance, transient.has(glance.id), signal)), signal);
    const readings = present(await Promise.all(found.map(read)));
    return {
      machines: readings.filter((reading) => !('reason' in reading)) as readonly Machine[],
      unread: readings.filter((reading) => 'reason' in reading),
    };
  }

  async #readOne({ id, power }: Glance, transient: boolean, signal: AbortSignal): Promise<Machine> {
    const inactive = await readDomain(this.#daemon, id, 'inactive', signal);
    const live = power.state === 'Off' ? undefined : await readDomain(this.#daemon, id, 'current', signal);
    this.#names.note(id, live);
    return machineOf(this.#dialect, { id, power }, transient ? undefined : inactive, live, inactive);
  }

  async define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    const { id, native, domain } = await this.#written(definition, mark, signal);
    if (native !== undefined && domain === native && !(await transientIds(this.#daemon, signal)).has(id)) return id;
    // A name that is taken the host refuses by itself; whose it is, is asked only then.
    return this.#write(domain, signal).catch(async (reason) => {
      if (native === undefined && hasCode(reason, 'Internal')) await this.#refuseTakenName(definition, mark.owner, signal);
      throw reason;
    });
  }

  /** What `define` would write, with passwords covered. */
  async draft(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<Draft> {
    const { native, domain } = await this.#written(definition, mark, signal);
    const text = serializeXml(indented(coverSecrets(this.#daemon.names.write(domain))));
    return { format: 'XML', text: `${text}\n`, exists: native !== undefined, unchanged: domain === native };
  }

  /** The domain as it is, if it is, and as it is to be; the same object where nothing differs. */
  async #written(asked: MachineDefinition, mark: Mark, signal: AbortSignal) {
    this.#dialect.check(asked);
    const id = idOf({ uuid: asked.uuid.toLowerCase() });
    const native = await unlessGone(readDomain(this.#daemon, id, 'inactive', signal));
    if (native !== undefined) assertOwner(readIdentity(native).nativeName, readMark(native), mark.owner);
    const definition = (await this.#dialect.located?.(asked, this.#daemon, native)) ?? asked;
    // First of all: what a dialect does not know of would make no difference, and pass for done.
    const offer = await this.#machinesOf(signal);
    offer.check(definition);
    const domain = native === undefined ? offer.create(definition, mark) : this.#dialect.edit(native, definition, mark);
    return { id, native, domain };
  }

  async #refuseTakenName({ nativeName, uuid }: MachineDefinition, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const found = await unlessGone(this.#daemon.ask(domainLookupByName, { name: nativeName }, signal));
    if (found === undefined || found.uuid === uuid.toLowerCase()) return;
    const taken = await unlessGone(readDomain(this.#daemon, idOf(found), 'inactive', signal));
    if (taken === undefined) return;
    assertOwner(nativeName, readMark(taken), owner);
    throw new DriverError('Conflict', `machine "${nativeName}" on the host has the uuid ${found.uuid}, not ${uuid}`);
  }

  async #write(domain: XmlElement, signal: AbortSignal): Promise<MachineId> {
    const xml = serializeXml(this.#daemon.names.write(domain));
    return idOf(await this.#daemon.ask(domainDefineXmlFlags, { xml, flags: 0 }, signal, readIdentity(domain).uuid));
  }

  async #machinesOf(signal: AbortSignal): Promise<MachineOffer> {
    return machinesOf(await this.#offers.get(signal), this.#dialect);
  }

  async mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void> {
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    const carried = readMark(domain);
    const isFrom = from === undefined ? carried === undefined : carried !== undefined && sameOwner(carried.owner, from);
    if (!isFrom) assertOwner(readIdentity(domain).nativeName, carried, mark.owner);
    const active = isActive(domain);
    if (withMark(domain, mark) === domain && (!active || (await this.#isConfigured(id, mark, signal)))) return;
    await setMetadata(this.#daemon, id, markPlace, markElement(mark), active, signal).catch(async (reason) => {
      if (!hasCode(reason, 'Unsupported')) throw reason;
      // Some of libvirt's drivers change no metadata, but take the same definition with others in it.
      await this.#write(withMark(await readDomain(this.#daemon, id, 'inactive', signal), mark), signal);
    });
  }

  /** Whether the definition of a running machine, if it has one, carries the mark as well. */
  async #isConfigured(id: MachineId, mark: Mark, signal: AbortSignal): Promise<boolean> {
    const inactive = await readDomain(this.#daemon, id, 'inactive', signal);
    return withMark(inactive, mark) === inactive;
  }

  /** What a host has no flag for it does not keep. */
  async #forget(id: MachineId, flags: number, signal: AbortSignal): Promise<void> {
    await this.#daemon.order(domainUndefineFlags, { domain: handleOf(id), flags }, signal, id).catch(async (reason) => {
      const unknown = flags & unknownFlags(reason);
      if (unknown === 0) throw reason;
      await this.#forget(id, flags & ~unknown, signal);
    });
  }

  async undefine(id: MachineId, owner: OwnerMark, { keepState }: { readonly keepState: boolean }, signal: AbortSignal): Promise<void> {
    try {
      const { run } = await checkOwner(this.#daemon, id, owner, signal);
      if (run !== undefined) throw new DriverError('Conflict', `machine ${id} is not Off; only one that is Off is forgotten`);
      await this.#forget(id, everything | (keepState ? keepingState : removingState), signal);
    } catch (reason) {
      if (!hasCode(reason, 'NotFound')) throw reason;
    }
  }
}

/** A host that is lost, and a caller who gave up, are no matter of one machine. */
function orUnread<T>(glance: Glance, reading: Promise<T>, signal: AbortSignal): Promise<T | Unread> {
  return reading.catch((error) => {
    const reason = DriverError.from(error);
    if (signal.aborted || reason.code === 'Unavailable') throw reason;
    return { glance, reason };
  });
}

export function machineOf(
  dialect: Dialect,
  { id, power }: Pick<Glance, 'id' | 'power'>,
  configured: XmlElement | undefined,
  live: XmlElement | undefined,
  either: XmlElement,
): Machine {
  const mark = readMark(either);
  return {
    id,
    ...readIdentity(either),
    power,
    hardware: dialect.readHardware(either),
    ...(mark === undefined ? {} : { mark }),
    ...(configured === undefined ? {} : { configured: dialect.readShape(configured) }),
    ...(live === undefined ? {} : { live: dialect.readShape(live) }),
    ...(mark === undefined && configured !== undefined ? { found: foundIn(configured, dialect) } : {}),
  };
}
