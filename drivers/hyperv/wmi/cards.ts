import type { Reference } from '../wsman/instance.js';
import { classUri } from '../wsman/names.js';
import { embedObject, namespaces, type ObjectOf } from './class.js';
import { card, type connection, switchPort, vlanSettings } from './classes.js';
import { partKey, partKeyIn, resourceTypes, subType } from './part.js';
import type { PortLook } from './port-look.js';
import type { PortTag } from './port-tags.js';
import { isSame } from './wiring.js';
import type { Wmi } from './wmi.js';
import { keysIn } from './wql.js';

/** A network card of a machine. */
export interface Card {
  readonly reference: Reference;
  readonly key: string;
  readonly name: string;
  /** As `00:15:5d:00:00:01`; empty when the host has not chosen one yet. */
  readonly macAddress: string;
  /** The GUID, in upper case, of the switch that it is plugged into. */
  readonly switchId?: string;
  /** What says so: in version 1 the switch's port, in version 2 an object of its own. */
  readonly plug?: Reference;
  readonly tag?: PortTag;
  /** In version 1: ports that were made for it, and that it is not plugged into. Who ends while a card moves leaves one. */
  readonly strays?: readonly Reference[];
}

/** Of version 2: neither unplugged, nor told to be. */
export const plugged = 2;
export const unplugged = 3;
/** Of VLANs: frames have one tag on the switch, and none in the guest. */
const access = 1;
const noAddress = '000000000000';

/** Of one machine. */
export function cardsOf(
  cards: readonly ObjectOf<typeof card>[],
  plugs: readonly ObjectOf<typeof connection>[],
  tags: readonly ObjectOf<typeof vlanSettings>[],
  ports: PortLook,
): readonly Card[] {
  return cards.map((each) => {
    const { reference, common, version } = each;
    const key = partKey(common.InstanceID);
    const is = { reference, key, name: common.ElementName ?? '', macAddress: macOf(common.Address ?? noAddress) };
    if (version === 'v1') return { ...is, ...inPort(key, common.Connection[0], ports) };
    const plug = plugs.find((one) => one.version === 'v2' && partKeyIn(one.v2.Parent) === key);
    if (plug?.version !== 'v2') return is;
    const leads = plug.v2.EnabledState === plugged ? leadsTo(plug.v2.HostResource[0], 'Name') : {};
    return { ...is, plug: plug.reference, ...leads, ...tagOf(plug.v2.InstanceID, tags) };
  });
}

/** Of version 1. */
function inPort(key: string, path = '', ports: PortLook): Pick<Card, 'switchId' | 'plug' | 'tag' | 'strays'> {
  const made = ports.madeFor(key);
  const [leads, at] = [leadsTo(path, 'SystemName'), ports.at(path)];
  if (at === undefined || leads.switchId === undefined) return { strays: made };
  const plug = { kind: 'reference', resourceUri: classUri(namespaces.v1, switchPort.name.v1), selectors: keysIn(path) } as const;
  return { ...leads, plug, ...at, strays: made.filter((each) => !isSame(each, plug)) };
}

function tagOf(plugId: string, tags: readonly ObjectOf<typeof vlanSettings>[]): Pick<Card, 'tag'> {
  const isOfIt = (id: string) => id.toUpperCase().startsWith(`${plugId.toUpperCase()}\\`);
  for (const each of tags) {
    if (each.version !== 'v2' || !isOfIt(each.v2.InstanceID)) continue;
    const { OperationMode, AccessVlanId = 0 } = each.v2;
    return { tag: { reference: each.reference, ...(OperationMode === access && AccessVlanId > 0 ? { vlan: AccessVlanId } : {}) } };
  }
  return {};
}

export const newTag = (vlan: number): string =>
  embedObject(vlanSettings, { version: 'v2', v2: { OperationMode: access, AccessVlanId: vlan } });

function leadsTo(path: string | undefined, key: string): { readonly switchId?: string } {
  const switchId = keysIn(path ?? '')[key]?.toUpperCase();
  return switchId === undefined ? {} : { switchId };
}

function macOf(address: string): string {
  const digits = address.toLowerCase().replace(/[^0-9a-f]/g, '');
  return digits === noAddress || digits.length !== 12 ? '' : (digits.match(/../g) ?? []).join(':');
}

const addressOf = (macAddress: string): string => macAddress.replaceAll(':', '').toUpperCase();

/** One that no switch is at yet; `id` is a GUID by which its guest knows it. */
export function newCard({ version }: Wmi, name: string, macAddress: string, id: string): string {
  const common = {
    ResourceType: resourceTypes[version].card,
    ResourceSubType: subType(version, 'Synthetic Ethernet Port'),
    ElementName: name,
    Address: addressOf(macAddress),
    StaticMacAddress: true,
    VirtualSystemIdentifiers: [`{${id}}`],
  };
  return embedObject(card, { version, common });
}

export function cardWithAddress({ version }: Wmi, { reference }: Card, macAddress: string): string {
  const { InstanceID = '' } = reference.selectors;
  return embedObject(card, { version, common: { InstanceID, Address: addressOf(macAddress), StaticMacAddress: true } });
}
