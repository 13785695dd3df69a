import type { Glance, Machine, MachineDefinition, MachineId, Machines, Mark, OwnerMark, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { affectedFlags, assertOwner, checkOwner, handleOf, idOf, readDomain, readPower, refinePower, transientIds } from './domains.js';
import { hasCode, present, unlessGone } from './gone.js';
import { baseOf, checkFits, type Offers } from './offer.js';
import { powerOf } from './power-state.js';
import { metadataTypes, statsFlags, statsGroups, undefineFlags } from './rpc/flags.js';
import {
  connectGetAllDomainStats,
  domainDefineXmlFlags,
  domainLookupByName,
  domainLookupByUuid,
  domainSetMetadata,
  domainUndefineFlags,
} from './rpc/procedures.js';
import { paramsByField, type StatsRecord } from './rpc/types.js';
import { checkDefinition } from './xml/definition.js';
import { createDomain } from './xml/domain.js';
import { editDomain } from './xml/edit.js';
import { markElement, markNamespace, markPrefix, readMark, sameOwner } from './xml/metadata.js';
import { readHardware, readIdentity, readShape } from './xml/read.js';

/** What the host keeps of a machine beside its definition, and what would hinder forgetting it. Its disks are no part of it. */
const everything = undefineFlags.managedSave | undefineFlags.snapshotsMetadata | undefineFlags.nvram | undefineFlags.checkpointsMetadata;

export class LibvirtMachines implements Machines {
  readonly #daemon: Daemon;
  readonly #offers: Offers;

  constructor(daemon: Daemon, offers: Offers) {
    this.#daemon = daemon;
    this.#offers = offers;
  }

  async list(signal: AbortSignal): Promise<readonly Glance[]> {
    const what = { domains: [], stats: statsGroups.state, flags: statsFlags.noWait };
    const records = await this.#daemon.ask(connectGetAllDomainStats, what, signal);
    return present(await Promise.all(records.map((record) => unlessGone(this.#glance(record, signal)))));
  }

  async #glance({ domain, params }: StatsRecord, signal: AbortSignal): Promise<Glance> {
    const fields = paramsByField(params);
    const power = powerOf(Number(fields.get('state.state') ?? 0), Number(fields.get('state.reason') ?? 0));
    const id = idOf(domain);
    return { id, uuid: domain.uuid, nativeName: domain.name, power: await refinePower(this.#daemon, id, power, signal) };
  }

  async read(ids: readonly MachineId[], signal: AbortSignal): Promise<readonly Machine[]> {
    if (ids.length === 0) return [];
    const transient = await transientIds(this.#daemon, signal);
    return present(await Promise.all(ids.map((id) => unlessGone(this.#readOne(id, transient.has(id), signal)))));
  }

  async #readOne(id: MachineId, transient: boolean, signal: AbortSignal): Promise<Machine> {
    const power = await readPower(this.#daemon, id, signal);
    const inactive = await readDomain(this.#daemon, id, 'inactive', signal);
    const live = power.state === 'Off' ? undefined : await readDomain(this.#daemon, id, 'current', signal);
    return machineOf(id, power, transient ? undefined : inactive, live, inactive);
  }

  async define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    checkDefinition(definition);
    const found = await unlessGone(this.#daemon.ask(domainLookupByUuid, { uuid: definition.uuid }, signal));
    if (found === undefined) return this.#create(definition, mark, signal);
    return this.#edit(idOf(found), definition, mark, signal);
  }

  async #create(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    await this.#refuseTakenName(definition, mark.owner, signal);
    const offer = await this.#offers.get(signal);
    checkFits(definition, offer);
    return this.#write(createDomain(definition, mark, baseOf(offer)), signal);
  }

  async #refuseTakenName({ nativeName, uuid }: MachineDefinition, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const found = await unlessGone(this.#daemon.ask(domainLookupByName, { name: nativeName }, signal));
    if (found === undefined || found.uuid === uuid) return;
    const taken = await unlessGone(readDomain(this.#daemon, idOf(found), 'inactive', signal));
    if (taken === undefined) return;
    assertOwner(nativeName, readMark(taken), owner);
    throw new DriverError('Conflict', `machine "${nativeName}" on the host has the uuid ${found.uuid}, not ${uuid}`);
  }

  async #edit(id: MachineId, definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    const native = await readDomain(this.#daemon, id, 'inactive', signal);
    assertOwner(readIdentity(native).nativeName, readMark(native), mark.owner);
    const edited = editDomain(native, definition, mark);
    if (edited === native && !(await transientIds(this.#daemon, signal)).has(id)) return id;
    checkFits(definition, await this.#offers.get(signal));
    return this.#write(edited, signal);
  }

  async #write(domain: XmlElement, signal: AbortSignal): Promise<MachineId> {
    return idOf(await this.#daemon.ask(domainDefineXmlFlags, { xml: serializeXml(domain), flags: 0 }, signal, readIdentity(domain).uuid));
  }

  async mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void> {
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    const carried = readMark(domain);
    const isFrom = from === undefined ? carried === undefined : carried !== undefined && sameOwner(carried.owner, from);
    if (!isFrom) assertOwner(readIdentity(domain).nativeName, carried, mark.owner);
    const flags = await affectedFlags(this.#daemon, id, signal);
    const what = { type: metadataTypes.element, metadata: serializeXml(markElement(mark)), key: markPrefix, uri: markNamespace };
    await this.#daemon.order(domainSetMetadata, { domain: handleOf(id), ...what, flags }, signal, id);
  }

  async undefine(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    try {
      await checkOwner(this.#daemon, id, owner, signal);
      await this.#refuseUnlessOff(id, signal);
      await this.#daemon.order(domainUndefineFlags, { domain: handleOf(id), flags: everything }, signal, id);
    } catch (reason) {
      if (!hasCode(reason, 'NotFound')) throw reason;
    }
  }

  async #refuseUnlessOff(id: MachineId, signal: AbortSignal): Promise<void> {
    const { state } = await readPower(this.#daemon, id, signal);
    if (state !== 'Off') throw new DriverError('Conflict', `machine ${id} is ${state}; only one that is Off is forgotten`);
  }
}

function machineOf(
  id: MachineId,
  power: PowerState,
  configured: XmlElement | undefined,
  live: XmlElement | undefined,
  either: XmlElement,
): Machine {
  const mark = readMark(either);
  return {
    id,
    ...readIdentity(either),
    power,
    hardware: readHardware(either),
    ...(mark === undefined ? {} : { mark }),
    ...(configured === undefined ? {} : { configured: readShape(configured) }),
    ...(live === undefined ? {} : { live: readShape(live) }),
  };
}
