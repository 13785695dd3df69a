import type { Draft, Glance, MachineDefinition, MachineId, Machines, Mark, OwnerMark, Readings } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner, sameOwner } from '#drivers/owner.js';
import { coverSecrets } from '#drivers/xml/cover.js';
import { indented } from '#drivers/xml/indent.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { checkDefinition } from './config/definition.js';
import { locationOf } from './config/disk.js';
import { parseLocation } from './config/location.js';
import { keys, readMark } from './config/mark.js';
import { isOff, machineOf, type NativeMachine, readGlance } from './config/native.js';
import { createSpec, detachSpec, editSpec, markSpec } from './config/spec.js';
import { isVolume } from './config/volume.js';
import { Foreigners, isForeign } from './foreigners.js';
import { namingGuest } from './guest.js';
import { assertUnmanaged, type Group, type Inventory } from './inventory.js';
import type { Limits } from './limits.js';
import { MachineFiles } from './machine-files.js';
import { isFault } from './soap/driver-error.js';
import { typeOf } from './soap/names.js';
import { createVm, destroy, findAllByUuid } from './soap/operations.js';
import { ref } from './soap/types.js';

export class VsphereMachines implements Machines {
  readonly #inventory: Inventory;
  readonly #limits: Limits;
  readonly #files: MachineFiles;
  readonly #foreigners: Foreigners;
  /** Names of machines that may be being made, as the host's answer was not heard. */
  readonly #unheard = new Set<string>();

  constructor(inventory: Inventory, limits: Limits) {
    this.#inventory = inventory;
    this.#limits = limits;
    this.#files = new MachineFiles(inventory);
    this.#foreigners = new Foreigners(inventory);
  }

  async list(signal: AbortSignal): Promise<readonly Glance[]> {
    return (await this.#inventory.glances(signal)).map(readGlance);
  }

  async read(ids: readonly MachineId[], signal: AbortSignal): Promise<Readings> {
    if (ids.length === 0) return { machines: [], unread: [] };
    const natives = await this.#inventory.natives(ids, signal);
    const [readable, not] = [natives.filter(isReadable), natives.filter((native) => !isReadable(native))];
    const groups = await this.#groups(
      readable.some((native) => hasInterfaces(native) || isForeign(native)),
      signal,
    );
    const found = await this.#foreigners.found(readable.filter(isForeign), groups, signal);
    return {
      machines: readable.map((native) => machineOf(native, groups, found.get(native.ref.value))),
      unread: not.map(({ glance, connection }) => unread(glance, connection)),
    };
  }

  async define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    checkDefinition(definition);
    const make = async () => {
      await this.#hear(definition.nativeName, signal);
      const found = await this.#find(definition.uuid, signal);
      if (found !== undefined) return this.#edit(found, definition, mark, signal);
      return this.#inventory.tasks.patiently(() => this.#create(definition, mark, signal), signal);
    };
    // In a row by name, so that of two machines of one name the second one finds the first.
    return this.#inventory.tasks.inRow(`machine ${definition.nativeName}`, make, signal).catch((reason) => {
      throw namingGuest(reason, definition);
    });
  }

  /** A machine that was made, though we never heard of it, is found here. Two of one uuid are a copy, and nobody knows which. */
  async #find(uuid: string, signal: AbortSignal): Promise<MachineId | undefined> {
    const { session } = this.#inventory;
    const asked = { uuid: uuid.toLowerCase(), vmSearch: true, instanceUuid: true };
    const [found, ...others] = await session.ask(findAllByUuid, session.content.searchIndex, asked, signal);
    if (others.length === 0) return found?.value as MachineId | undefined;
    const which = [found, ...others].map((each) => each?.value).join(', ');
    throw new DriverError(
      'Conflict',
      `uuid ${uuid}: ${others.length + 1} machines have it (${which}); a copy must be given one of its own`,
    );
  }

  async #create(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    const made = await this.#taken(definition, mark.owner, signal);
    if (made !== undefined) return this.#edit(made, definition, mark, signal);
    const spec = await this.#createSpec(definition, mark, signal);
    try {
      return await this.#make(spec, signal);
    } catch (reason) {
      if (isUnheard(reason)) this.#unheard.add(definition.nativeName);
      if (isFault(reason, 'DuplicateName')) await this.#taken(definition, mark.owner, signal);
      throw reason;
    }
  }

  async #createSpec(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<XmlElement> {
    await this.#limits.check(definition, signal);
    const datastore = await this.#homeOf(definition, signal);
    const groups = await this.#groups(definition.interfaces.length > 0, signal);
    return createSpec(definition, mark, datastore, groups);
  }

  /** The VirtualMachineConfigSpec that `define` would send: all of a new machine, and of one that is there what changes. */
  async draft(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<Draft> {
    checkDefinition(definition);
    const found = await this.#find(definition.uuid, signal);
    const spec =
      found === undefined
        ? await this.#createSpec(definition, mark, signal)
        : await this.#editSpec(await this.#inventory.native(found, signal), definition, mark, signal);
    const text = spec === undefined ? '' : `${serializeXml(indented(coverSecrets(spec)))}\n`;
    return { format: 'XML', text, exists: found !== undefined, unchanged: spec === undefined };
  }

  /** Waits for what the host may still be making of this name. */
  async #hear(nativeName: string, signal: AbortSignal): Promise<void> {
    if (!this.#unheard.has(nativeName)) return;
    await this.#inventory.tasks.settled(this.#inventory.scope.vmFolder, signal);
    this.#unheard.delete(nativeName);
  }

  async #make(config: XmlElement, signal: AbortSignal): Promise<MachineId> {
    const { session, scope, tasks } = this.#inventory;
    const host = scope.host ?? (await this.#limits.hostForNew(signal));
    const args = { config, pool: scope.resourcePool, ...(host === undefined ? {} : { host }) };
    const result = await tasks.finished(await session.ask(createVm, scope.vmFolder, args, signal), signal);
    return ref.read(result === undefined ? [] : [result], 'CreateVM_Task: result').value as MachineId;
  }

  /**
   * Refuses a name that somebody else's machine has. One that is just being made, by us and without our having heard of it, has the name
   * before it has anything else: it is waited for, and is the machine.
   */
  async #taken(definition: MachineDefinition, owner: OwnerMark, signal: AbortSignal): Promise<MachineId | undefined> {
    const { nativeName, uuid } = definition;
    const namesake = (await this.list(signal)).find((machine) => machine.nativeName === nativeName);
    if (namesake === undefined) return undefined;
    await this.#inventory.tasks.settled(this.#inventory.scope.vmFolder, signal);
    const made = await this.#find(uuid, signal);
    if (made !== undefined) return made;
    assertOwner(nativeName, readMark((await this.#inventory.native(namesake.id, signal)).extra), owner);
    throw new DriverError('Conflict', `machine "${nativeName}" on the host has the uuid ${namesake.uuid}, not ${uuid}`);
  }

  /** Beside its first disk, or where there is most room. */
  async #homeOf({ disks }: MachineDefinition, signal: AbortSignal): Promise<string> {
    const datastores = await this.#inventory.datastores(signal);
    const usable = datastores.filter(({ accessible }) => accessible).sort((one, other) => other.freeBytes - one.freeBytes);
    for (const { name, location } of disks) {
      const wanted = parseLocation(location)?.datastore;
      if (usable.some((each) => each.name === wanted)) continue;
      const has = usable.map((each) => `"${each.name}"`).join(', ') || 'none';
      throw new DriverError('NotFound', `disk "${name}": the host has no datastore "${wanted}" that is accessible; it has ${has}`);
    }
    const [first] = disks.flatMap(({ location }) => parseLocation(location)?.datastore ?? []);
    const home = first ?? usable[0]?.name;
    if (home === undefined) throw new DriverError('Exhausted', 'the host has no datastore that is accessible, to keep a machine on');
    return home;
  }

  #edit(id: MachineId, definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    return this.#inventory.changing(id, signal, async (native) => {
      const spec = await this.#editSpec(native, definition, mark, signal);
      if (spec !== undefined) await this.#inventory.reconfigure(native.ref, spec, signal);
      return id;
    });
  }

  /** Undefined when nothing differs. */
  async #editSpec(native: NativeMachine, definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<XmlElement | undefined> {
    assertOwner(native.glance.nativeName, readMark(native.extra), mark.owner);
    const groups = await this.#groups(hasInterfaces(native) || definition.interfaces.length > 0, signal);
    const spec = editSpec(native, definition, mark, groups);
    if (spec === undefined) return undefined;
    await this.#limits.check(definition, signal);
    if (definition.disks.length > 0) await this.#homeOf(definition, signal);
    return spec;
  }

  async mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      const carried = readMark(native.extra);
      const isFrom = from === undefined ? carried === undefined : carried !== undefined && sameOwner(carried.owner, from);
      if (!isFrom) assertOwner(native.glance.nativeName, carried, mark.owner);
      assertUnmanaged(native);
      const spec = markSpec(native, mark);
      if (spec !== undefined) await this.#inventory.reconfigure(native.ref, spec, signal);
    });
  }

  async undefine(id: MachineId, owner: OwnerMark, { keepState }: { readonly keepState: boolean }, signal: AbortSignal): Promise<void> {
    try {
      await this.#inventory.changing(id, signal, (native) => this.#forget(native, owner, keepState, signal));
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }

  /**
   * To forget a machine is to delete its folder, and every file that it uses: our volumes are taken out first. Where that folder has what outlives the machine, it
   * is let go of instead, and what is only its own is deleted by name. What it has of such stays in it till then: an agent that dies in between finds it again.
   */
  async #forget(native: NativeMachine, owner: OwnerMark, keepState: boolean, signal: AbortSignal): Promise<void> {
    const { nativeName, power } = native.glance;
    assertOwner(nativeName, readMark(native.extra), owner);
    if (!isOff(power)) throw new DriverError('Conflict', `machine "${nativeName}" is not Off; only one that is Off is forgotten`);
    if (native.hasSnapshots)
      throw new DriverError(
        'Conflict',
        `machine "${nativeName}" has snapshots, which its disks would be lost with; delete the snapshots first`,
      );
    const disks = native.devices.filter((device) => typeOf(device) === 'VirtualDisk');
    const volumes = disks.filter((device) => isVolume(locationOf(device)));
    const spec = detachSpec(native, volumes);
    if (spec !== undefined) await this.#inventory.reconfigure(native.ref, spec, signal);
    if (keepState) await this.#files.keepState(native, signal);
    await this.#files.deleteSaid(native, signal);
    if (volumes.length < disks.length || isVolume(native.file)) return this.#files.letGo(native, signal);
    const { session, tasks } = this.#inventory;
    await tasks.finished(await session.ask(destroy, native.ref, {}, signal), signal);
  }

  async #groups(needed: boolean, signal: AbortSignal): Promise<readonly Group[]> {
    return needed ? this.#inventory.networks(signal) : [];
  }
}

function hasInterfaces({ extra }: NativeMachine): boolean {
  return extra[keys.interfaces] !== undefined || extra[keys.next] !== undefined;
}

const isUnheard = (reason: unknown): boolean => reason instanceof DriverError && ['Unavailable', 'TimedOut'].includes(reason.code);

const reasons: Readonly<Record<string, string>> = {
  disconnected: 'vCenter does not reach its host',
  orphaned: 'its host does not know it any more',
  inaccessible: 'its files cannot be read: look at its datastore',
  invalid: 'its configuration cannot be read',
};

const isReadable = ({ connection }: NativeMachine): boolean => reasons[connection] === undefined;

function unread(glance: Glance, connection: string) {
  const reason = new DriverError('Unavailable', `machine "${glance.nativeName}" on the host is ${connection}: ${reasons[connection]}`);
  return { glance, reason };
}
