import type { MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Rows } from '#drivers/https/rows.js';
import type { Contents } from './contents.js';
import { SeedDiscs } from './discs.js';
import { HostFiles } from './files.js';
import { withNames } from './found.js';
import { keptOf } from './identity.js';
import { idOf, type NativeGlance, type NativeMachine } from './native.js';
import type { Version } from './wmi/class.js';
import { computerSystem, memory, processor, systemSettings } from './wmi/classes.js';
import { type VersionLimits, versionLimits } from './wmi/limits.js';
import type { MachineService } from './wmi/machine-service.js';
import { machineIdOf, ownSettings } from './wmi/machine-settings.js';
import { partsOf } from './wmi/parts.js';
import { isBetweenStates } from './wmi/power.js';
import type { NetworkSwitch } from './wmi/switch-shape.js';
import type { Switches } from './wmi/switches.js';
import type { Wmi } from './wmi/wmi.js';
import { among, beginning } from './wmi/wql.js';
import { TooLong } from './wsman/listing.js';

/** So many are asked for by their names; of more, all are listed, as the host then has less to compare. */
const fewIds = 20;

type Unwired = Omit<NativeMachine, 'networks' | 'underWay'>;

/** Which objects are asked for, as WQL: of the parts by their InstanceID. */
interface Conditions {
  /** Absent, all. */
  readonly systems?: string;
  readonly settings: string;
  readonly parts: string;
}

const conditionsOfAll = (version: Version): Conditions => ({
  settings: ownSettings[version],
  parts: "InstanceID LIKE 'Microsoft:%'",
});

function conditionsOf(ids: readonly MachineId[], version: Version): Conditions {
  const beginnings = ids.map((id) => `Microsoft:${id}`);
  return {
    systems: among('Name', ids),
    settings: `(${among('InstanceID', beginnings)}) AND ${ownSettings[version]}`,
    parts: beginning('InstanceID', beginnings),
  };
}

/** The machines of a host, as it has them now. */
export class Inventory {
  readonly wmi: Wmi;
  readonly service: MachineService;
  readonly switches: Switches;
  readonly contents: Contents;
  readonly discs: SeedDiscs;
  readonly #rows = new Rows();
  /** What all machines have was once more than is taken: since then they are asked for a few at a time. */
  #areTooMany = false;

  constructor(wmi: Wmi, service: MachineService, switches: Switches, contents: Contents) {
    this.wmi = wmi;
    this.service = service;
    this.switches = switches;
    this.contents = contents;
    this.discs = new SeedDiscs(wmi, new HostFiles(wmi.client), contents);
  }

  get limits(): VersionLimits {
    return versionLimits[this.wmi.version];
  }

  /** All, in two questions. One that is just coming or going may have but a half, and is left out. */
  async glances(signal: AbortSignal): Promise<readonly NativeGlance[]> {
    const [systems, settings] = await Promise.all([
      this.wmi.find(computerSystem, {}, signal),
      this.wmi.select(systemSettings, ownSettings[this.wmi.version], signal),
    ]);
    const settingsById = new Map(settings.map((each) => [machineIdOf(each), each]));
    return systems.flatMap((system) => {
      const found = settingsById.get(idOf(system));
      return found === undefined ? [] : [{ system, settings: found }];
    });
  }

  /** Those of them that are there, in a dozen questions, however many there are, unless the host lists more than is taken. */
  async natives(ids: readonly MachineId[], signal: AbortSignal): Promise<readonly NativeMachine[]> {
    if (ids.length === 0) return [];
    const networks = networkNames(await this.switches.list(signal));
    const found = (await this.#read(ids, signal)).map((each) => ({ ...each, networks }));
    return Promise.all(found.map((native) => this.#withWork(native, signal)));
  }

  /** The parts of all machines are told with those of all their checkpoints; those that are asked for by name, without. */
  async #read(ids: readonly MachineId[], signal: AbortSignal): Promise<readonly Unwired[]> {
    if (ids.length > fewIds && !this.#areTooMany)
      try {
        return await this.#readBy(conditionsOfAll(this.wmi.version), ids, signal);
      } catch (reason) {
        if (!(reason instanceof TooLong)) throw reason;
        this.#areTooMany = true;
      }
    const found: Unwired[] = [];
    for (let from = 0; from < ids.length; from += fewIds) {
      const portion = ids.slice(from, from + fewIds);
      found.push(...(await this.#readBy(conditionsOf(portion, this.wmi.version), portion, signal)));
    }
    return found;
  }

  async #readBy(by: Conditions, ids: readonly MachineId[], signal: AbortSignal): Promise<readonly Unwired[]> {
    const { wmi } = this;
    const [systems, settings, processors, memories, partsFor] = await Promise.all([
      by.systems === undefined ? wmi.find(computerSystem, {}, signal) : wmi.select(computerSystem, by.systems, signal),
      wmi.select(systemSettings, by.settings, signal),
      wmi.select(processor, by.parts, signal),
      wmi.select(memory, by.parts, signal),
      partsOf(wmi, by.parts, signal),
    ]);
    return ids.flatMap((id) => {
      const system = systems.find((each) => idOf(each) === id);
      const setting = settings.find((each) => machineIdOf(each) === id);
      const isOfIt = ({ common }: { readonly common: { readonly InstanceID: string } }) =>
        common.InstanceID.toUpperCase().startsWith(`MICROSOFT:${id}\\`);
      const [cpu, ram] = [processors.find(isOfIt), memories.find(isOfIt)];
      if (system === undefined || setting === undefined || cpu === undefined || ram === undefined) return [];
      const named = withNames(partsFor(id), keptOf(setting)?.adopted?.cards);
      return [{ system, settings: setting, processor: cpu, memory: ram, parts: named }];
    });
  }

  /** A job that does not end keeps a machine between two states, and nothing else says which. */
  async #withWork(native: NativeMachine, signal: AbortSignal): Promise<NativeMachine> {
    if (!isBetweenStates(native.system)) return native;
    const underWay = await this.service.underWay(native.system.reference, signal);
    return underWay === undefined ? native : { ...native, underWay };
  }

  /** @throws DriverError NotFound */
  async native(id: MachineId, signal: AbortSignal): Promise<NativeMachine> {
    const [found] = await this.natives([id], signal);
    if (found === undefined) throw new DriverError('NotFound', `there is no machine ${id} on the host (any more)`);
    return found;
  }

  /** One change of a machine at a time: its notes are read and written back. What is under way is waited for, be it another life's. */
  changing<T>(id: MachineId, signal: AbortSignal, act: (native: NativeMachine) => Promise<T>): Promise<T> {
    return this.inRow(id, async () => act(await this.settled(id, signal)), signal);
  }

  /** As it is when nothing changes it any more. @throws DriverError NotFound, Busy */
  async settled(id: MachineId, signal: AbortSignal): Promise<NativeMachine> {
    await this.service.settled(id, signal);
    return this.native(id, signal);
  }

  /** One at a time of those of one key, which need not be there yet. */
  inRow<T>(key: string, act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#rows.through(key, act, signal);
  }
}

/** Switches are not told apart by their names, and networks are: of two of one name each has its GUID in it. */
export function networkNames(switches: readonly NetworkSwitch[]): ReadonlyMap<string, string> {
  const isAlone = (name: string) => switches.filter((each) => each.name === name).length === 1;
  return new Map(switches.map(({ id, name }) => [id, isAlone(name) ? name : `${name} {${id}}`]));
}
