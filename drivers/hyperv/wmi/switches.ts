import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import { Assembly } from './assembly.js';
import { CardPorts } from './card-ports.js';
import { type Card, newTag, plugged, unplugged } from './cards.js';
import { embedObject } from './class.js';
import { connection, networkSwitch, switchService, switchSettings } from './classes.js';
import type { Jobs } from './jobs.js';
import type { MachineService, System } from './machine-service.js';
import { resourceTypes, subType } from './part.js';
import { type InRow, Tagger } from './port-tags.js';
import { freeAdapter, insidePort, outsidePort, portsOf } from './switch-ports.js';
import type { NetworkSwitch, SwitchEnds, SwitchPorts } from './switch-shape.js';
import { marksOf, ownNames, uuidOf } from './wiring.js';
import type { Wmi } from './wmi.js';
import { objectPath } from './wql.js';

const well = 5;
const begin = 'virtwright: ';

const uuidIn = (notes: readonly string[]): string | undefined =>
  notes.flatMap((note) => /^virtwright: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\r?$/m.exec(note)?.[1] ?? [])[0];

/** The switches of a host, in either version: version 1 puts them together, and plugs each card into a port of its own. */
export class Switches {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;
  readonly #machines: MachineService;
  readonly #assembly: Assembly;
  readonly #tagger: Tagger;
  readonly #cardPorts: CardPorts;

  constructor(wmi: Wmi, jobs: Jobs, machines: MachineService, inRow: InRow) {
    this.#wmi = wmi;
    this.#jobs = jobs;
    this.#machines = machines;
    const call = this.#call.bind(this);
    this.#assembly = new Assembly(wmi, call);
    this.#tagger = new Tagger(wmi, inRow);
    this.#cardPorts = new CardPorts(wmi, machines, this.#tagger, call);
  }

  async list(signal: AbortSignal): Promise<readonly NetworkSwitch[]> {
    return (await this.#wmi.find(networkSwitch, {}, signal)).map(({ reference, common }) => ({
      reference,
      id: common.Name.toUpperCase(),
      name: common.ElementName ?? '',
      isWell: common.HealthState === well,
    }));
  }

  /** The uuids that were given to switches, by their ids: in version 1 one is made of the other, in version 2 it stands in its notes. */
  async uuids(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (this.#wmi.version === 'v1')
      return new Map((await this.list(signal)).flatMap(({ id }) => (uuidOf(id) === undefined ? [] : [[id, uuidOf(id) ?? ''] as const])));
    const found = await this.#wmi.find(switchSettings, {}, signal);
    return new Map(
      found.flatMap((each) => {
        const uuid = each.version === 'v2' ? uuidIn(each.v2.Notes) : undefined;
        return each.version === 'v2' && uuid !== undefined ? [[each.v2.VirtualSystemIdentifier?.toUpperCase() ?? '', uuid] as const] : [];
      }),
    );
  }

  /** Of version 1: switches of ours of which there is no more than a mark: which they are to be, and how they are to be called. */
  async marked(signal: AbortSignal): Promise<readonly (Pick<NetworkSwitch, 'id' | 'name'> & { readonly uuid: string })[]> {
    if (this.#wmi.version === 'v2') return [];
    const marks = await marksOf(this.#wmi, signal);
    if (marks.size === 0) return [];
    // Asked for afterwards: one that has become a switch meanwhile is told as that.
    const there = new Set([...(await this.uuids(signal)).values()]);
    return [...marks].filter(([uuid]) => !there.has(uuid)).map(([uuid, name]) => ({ uuid, id: ownNames(uuid).outside, name }));
  }

  /** Takes such a mark away. */
  async forgetMark(id: string, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') await this.#assembly.forget(id, signal);
  }

  /** Where these lead, by their GUIDs. */
  ports(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SwitchPorts>> {
    return portsOf(this.#wmi, ids, signal);
  }

  /** One that has its uuid from the first moment on, and in version 2 all else, too. @throws DriverError NotFound or Conflict */
  async create(name: string, uuid: string, ends: SwitchEnds, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') return this.#assembly.create(name, uuid, ends, signal);
    const settings = embedObject(switchSettings, { version: 'v2', v2: { ElementName: name, Notes: [`${begin}${uuid.toLowerCase()}`] } });
    const ports = await this.#portsFor(name, ends, signal);
    return this.#call('DefineSystem', { SystemSettings: settings, ...(ports.length === 0 ? {} : { ResourceSettings: ports }) }, signal);
  }

  /** Waits for switches that others began to make, change or destroy. @throws DriverError Busy */
  async othersMade(signal: AbortSignal): Promise<void> {
    await this.#jobs.switchesMade(signal);
  }

  /** Has one lead there: of version 2 the host comes to it, or leaves one that is among machines, by one call; of version 1 what was begun is gone on with. */
  async attach(of: NetworkSwitch, ends: SwitchEnds, { inside }: SwitchPorts, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') return this.#assembly.lead(of, ends, signal);
    if (ends.host === 'Detached') return this.#call('RemoveResourceSettings', { ResourceSettings: inside }, signal);
    const [settings] = await this.#wmi.find(switchSettings, { VirtualSystemIdentifier: of.id }, signal);
    if (settings === undefined) throw new DriverError('NotFound', `switch "${of.name}" has no settings (any more)`);
    const ports = [insidePort(this.#wmi, of.name, undefined)];
    await this.#call('AddResourceSettings', { AffectedConfiguration: settings.reference, ResourceSettings: ports }, signal);
  }

  async #portsFor(name: string, { device, host }: SwitchEnds, signal: AbortSignal): Promise<readonly string[]> {
    const adapter = device === undefined ? undefined : await freeAdapter(this.#wmi, device, signal);
    return [
      ...(adapter === undefined ? [] : [outsidePort(this.#wmi, name, adapter)]),
      ...(host === 'Attached' ? [insidePort(this.#wmi, name, adapter)] : []),
    ];
  }

  async destroy(of: NetworkSwitch, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v2') return this.#call('DestroySystem', { AffectedSystem: of.reference }, signal);
    return this.#assembly.destroy(of, signal);
  }

  /**
   * From wherever it was plugged in before, and with that tag. Of version 2 one whose tag changes is on no switch meanwhile, so that it is nowhere
   * untagged, nor with a tag for elsewhere.
   */
  async plug(
    system: Pick<System, 'reference'>,
    card: Card,
    into: NetworkSwitch,
    vlan: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const isElsewhere = card.switchId !== into.id;
    if (this.#wmi.version === 'v1' && isElsewhere) return this.#cardPorts.plug(system.reference, card, into, vlan, signal);
    if (this.#wmi.version === 'v1') {
      await this.tag(card, vlan, signal);
      return this.sweep(card, signal);
    }
    const isRetagged = card.plug !== undefined && card.tag?.vlan !== vlan && (isElsewhere || (card.tag && vlan) !== undefined);
    if (isRetagged) {
      await this.#disconnect(system, card, signal);
      await this.tag(card, vlan, signal);
    }
    if (isElsewhere || isRetagged) await this.#connect(system, card, into, signal);
  }

  async #connect({ reference: system }: Pick<System, 'reference'>, card: Card, into: NetworkSwitch, signal: AbortSignal): Promise<void> {
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
   * In version 1 a port's tag is written, and what lets it through is looked after even where the port has it already; in version 2 a VLAN is not changed: it goes, and another one comes, and the card had better be on no switch in
   * between. One that we have no word for stays, unless one is asked for.
   */
  async tag({ plug, tag }: Card, vlan: number | undefined, signal: AbortSignal): Promise<void> {
    if (plug === undefined) return;
    if (this.#wmi.version === 'v1' && vlan !== undefined && tag?.vlan === vlan) return this.#tagger.letThrough(plug, vlan, signal);
    if (tag?.vlan === vlan) return;
    if (this.#wmi.version === 'v1') return this.#tagger.tag(plug, vlan, signal);
    if (tag !== undefined) await this.#machines.removeFeatures([tag.reference], signal);
    if (vlan !== undefined) await this.#machines.addFeatures(plug, [newTag(vlan)], signal);
  }

  /** Off the switch that it is on, and what it is plugged in by stays. */
  async #disconnect({ reference: system }: Pick<System, 'reference'>, { plug, switchId }: Card, signal: AbortSignal): Promise<void> {
    if (plug === undefined || switchId === undefined) return;
    const { InstanceID = '' } = plug.selectors;
    await this.#machines.alter(system, [embedObject(connection, { version: 'v2', v2: { InstanceID, EnabledState: unplugged } })], signal);
  }

  /** What was made for a card that is about to go. */
  async unplug({ reference: system }: Pick<System, 'reference'>, card: Card, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') await this.#cardPorts.unplug(system, card, signal);
  }

  /** What was made for it by who ended before it was plugged in, or before the former went. */
  async sweep(card: Card, signal: AbortSignal): Promise<void> {
    await this.#cardPorts.sweep(card, signal);
  }

  /** The same for the card of a saved machine, which is left as it is. */
  async forget(card: Card, signal: AbortSignal): Promise<void> {
    if (this.#wmi.version === 'v1') await this.#cardPorts.forget(card, signal);
  }

  async #call(method: string, given: Parameters<Wmi['client']['invoke']>[2], signal: AbortSignal): Promise<void> {
    const { reference } = await this.#wmi.only(switchService, signal);
    await this.#jobs.finishedSoon(method, await this.#wmi.client.invoke(reference, method, given, signal), signal);
  }

  #path(of: Reference): string {
    return objectPath(this.#wmi.server, this.#wmi.namespace, of);
  }
}
