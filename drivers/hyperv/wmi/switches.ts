import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import { type Card, newTag, plugged, unplugged } from './cards.js';
import { embedObject } from './class.js';
import { card as cardClass, connection, networkSwitch, switchPort, switchService, switchSettings } from './classes.js';
import type { Jobs } from './jobs.js';
import type { MachineService, System } from './machine-service.js';
import { resourceTypes, subType } from './part.js';
import { freeAdapter, insidePort, outsidePort, portsOf, type SwitchEnds, type SwitchPorts } from './switch-ports.js';
import type { Wmi } from './wmi.js';
import { objectPath } from './wql.js';

/** What machines are plugged into. */
export interface NetworkSwitch {
  readonly reference: Reference;
  /** A GUID in upper case. */
  readonly id: string;
  readonly name: string;
  /** The host says that it works. */
  readonly isWell: boolean;
}

const well = 5;
/** Addresses that a switch of version 1 learns at most: what Hyper-V Manager gives one. */
const learnable = 1024;
const begin = 'virtwright: ';

const uuidIn = (notes: readonly string[]): string | undefined =>
  notes.flatMap((note) => /^virtwright: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\r?$/m.exec(note)?.[1] ?? [])[0];

/** The switches of a host, in either version: in version 1 a card is plugged into a port, which is made for it and has its name from it. */
export class Switches {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;
  readonly #machines: MachineService;

  constructor(wmi: Wmi, jobs: Jobs, machines: MachineService) {
    this.#wmi = wmi;
    this.#jobs = jobs;
    this.#machines = machines;
  }

  async list(signal: AbortSignal): Promise<readonly NetworkSwitch[]> {
    return (await this.#wmi.find(networkSwitch, {}, signal)).map(({ reference, common }) => ({
      reference,
      id: common.Name.toUpperCase(),
      name: common.ElementName ?? '',
      isWell: common.HealthState === well,
    }));
  }

  /** The uuids that were given to switches, by their GUID: in version 1 that is what it was made with, in version 2 it stands in its notes. */
  async uuids(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (this.#wmi.version === 'v1') return new Map((await this.list(signal)).map(({ id }) => [id, id.toLowerCase()]));
    const found = await this.#wmi.find(switchSettings, {}, signal);
    return new Map(
      found.flatMap((each) => {
        const uuid = each.version === 'v2' ? uuidIn(each.v2.Notes) : undefined;
        return each.version === 'v2' && uuid !== undefined ? [[each.v2.VirtualSystemIdentifier?.toUpperCase() ?? '', uuid] as const] : [];
      }),
    );
  }

  /** Where these lead, by their GUIDs. */
  ports(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SwitchPorts>> {
    return portsOf(this.#wmi, ids, signal);
  }

  /** One that has its uuid from the first moment on. Of version 1 it leads nowhere. @throws DriverError NotFound or Conflict */
  async create(name: string, uuid: string, ends: SwitchEnds, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') {
      const given = { Name: uuid.toUpperCase(), FriendlyName: name, NumLearnableAddresses: learnable, ScopeOfResidence: '' };
      return this.#call('CreateSwitch', given, signal);
    }
    const settings = embedObject(switchSettings, { version: 'v2', v2: { ElementName: name, Notes: [`${begin}${uuid.toLowerCase()}`] } });
    const ports = await this.#portsFor(name, ends, signal);
    return this.#call('DefineSystem', { SystemSettings: settings, ...(ports.length === 0 ? {} : { ResourceSettings: ports }) }, signal);
  }

  /** Waits for switches that others began to make. @throws DriverError Busy */
  async othersMade(signal: AbortSignal): Promise<void> {
    await this.#jobs.switchesMade(signal);
  }

  /** Puts the host on one, or takes it away from one that leads nowhere else: one call each. */
  async attach({ id, name }: NetworkSwitch, host: SwitchEnds['host'], { inside }: SwitchPorts, signal: AbortSignal): Promise<void> {
    if (host === 'Detached') return this.#call('RemoveResourceSettings', { ResourceSettings: inside }, signal);
    const [settings] = await this.#wmi.find(switchSettings, { VirtualSystemIdentifier: id }, signal);
    if (settings === undefined) throw new DriverError('NotFound', `switch "${name}" has no settings (any more)`);
    const ports = [insidePort(this.#wmi, name, undefined)];
    await this.#call('AddResourceSettings', { AffectedConfiguration: settings.reference, ResourceSettings: ports }, signal);
  }

  async #portsFor(name: string, { device, host }: SwitchEnds, signal: AbortSignal): Promise<readonly string[]> {
    const adapter = device === undefined ? undefined : await freeAdapter(this.#wmi, device, signal);
    return [
      ...(adapter === undefined ? [] : [outsidePort(this.#wmi, name, adapter)]),
      ...(host === 'Attached' ? [insidePort(this.#wmi, name, adapter)] : []),
    ];
  }

  async destroy({ reference }: NetworkSwitch, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') return this.#call('DeleteSwitch', { VirtualSwitch: reference }, signal);
    return this.#call('DestroySystem', { AffectedSystem: reference }, signal);
  }

  /** From wherever it was plugged in before. */
  async plug({ reference: system }: Pick<System, 'reference'>, card: Card, into: NetworkSwitch, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') return this.#plugV1(system, card, into, signal);
    const v2 = { HostResource: [this.#path(into.reference)], EnabledState: plugged };
    if (card.plug !== undefined) {
      const { InstanceID = '' } = card.plug.selectors;
      return this.#machines.alter(system, [embedObject(connection, { version: 'v2', v2: { ...v2, InstanceID } })], signal);
    }
    const made = { ResourceType: resourceTypes.v2.connection, ResourceSubType: subType('v2', 'Ethernet Connection') };
    const parent = { Parent: this.#path(card.reference) };
    await this.#machines.add(system, [embedObject(connection, { version: 'v2', v2: { ...made, ...parent, ...v2 } })], signal);
  }

  /**
   * A VLAN is not changed: it goes, and another one comes, and the card had better be on no switch in between. One that we have no word for stays,
   * unless one is asked for.
   */
  async tag({ plug, tag }: Card, vlan: number | undefined, signal: AbortSignal): Promise<void> {
    if (plug === undefined || tag?.vlan === vlan) return;
    if (tag !== undefined) await this.#machines.removeFeatures([tag.reference], signal);
    if (vlan !== undefined) await this.#machines.addFeatures(plug, [newTag(vlan)], signal);
  }

  /** Off the switch that it is on, and what it is plugged in by stays. */
  async disconnect({ reference: system }: Pick<System, 'reference'>, { plug, switchId }: Card, signal: AbortSignal): Promise<void> {
    if (plug === undefined || switchId === undefined) return;
    const { InstanceID = '' } = plug.selectors;
    await this.#machines.alter(system, [embedObject(connection, { version: 'v2', v2: { InstanceID, EnabledState: unplugged } })], signal);
  }

  /** What was made for a card that is about to go: while there is the card, whoever comes after us knows of it. */
  async unplug({ reference: system }: Pick<System, 'reference'>, card: Card, signal: AbortSignal): Promise<void> {
    const ports = this.#wmi.version === 'v1' ? await this.#ports(card, signal) : [];
    if (ports.length === 0) return;
    const common = { InstanceID: card.reference.selectors['InstanceID'] ?? '', Connection: [] };
    await this.#machines.alter(system, [embedObject(cardClass, { version: 'v1', common })], signal);
    for (const { reference } of ports) await this.#deletePort(reference, signal);
  }

  /** The same for the card of a saved machine, which is left as it is: it goes with its machine. */
  async forget(card: Card, signal: AbortSignal): Promise<void> {
    const ports = this.#wmi.version === 'v1' ? await this.#ports(card, signal) : [];
    for (const { reference } of ports) await this.#deletePort(reference, signal);
  }

  async #plugV1(system: Reference, card: Card, into: NetworkSwitch, signal: AbortSignal): Promise<void> {
    const before = await this.#ports(card, signal);
    const isThere = before.find(({ common }) => common.SystemName?.toUpperCase() === into.id);
    const port = isThere ?? (await this.#makePort(card, into, signal));
    const common = { InstanceID: card.reference.selectors['InstanceID'] ?? '', Connection: [this.#path(port.reference)] };
    await this.#machines.alter(system, [embedObject(cardClass, { version: 'v1', common })], signal);
    for (const { reference } of before.filter((each) => each !== isThere)) await this.#deletePort(reference, signal);
  }

  async #makePort(card: Card, into: NetworkSwitch, signal: AbortSignal) {
    const given = { VirtualSwitch: into.reference, Name: portName(card), FriendlyName: card.name, ScopeOfResidence: '' };
    await this.#call('CreateSwitchPort', given, signal);
    const made = (await this.#ports(card, signal)).find(({ common }) => common.SystemName?.toUpperCase() === into.id);
    if (made === undefined)
      throw new DriverError('Conflict', `the port for "${card.name}" of switch "${into.name}" was made, and is gone again`);
    return made;
  }

  #deletePort(port: Reference, signal: AbortSignal): Promise<void> {
    return this.#call('DeleteSwitchPort', { SwitchPort: port }, signal);
  }

  #ports(card: Card, signal: AbortSignal) {
    return this.#wmi.find(switchPort, { Name: portName(card) }, signal);
  }

  async #call(method: string, given: Parameters<Wmi['client']['invoke']>[2], signal: AbortSignal): Promise<void> {
    const { reference } = await this.#wmi.only(switchService, signal);
    await this.#jobs.finished(method, await this.#wmi.client.invoke(reference, method, given, signal), signal);
  }

  #path(of: Reference): string {
    return objectPath(this.#wmi.server, this.#wmi.namespace, of);
  }
}

const portName = ({ key }: Card): string => `virtwright ${key}`;
