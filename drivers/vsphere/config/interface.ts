import { createHash } from 'node:crypto';
import type { InterfaceModel, MachineInterface } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { asciiJson } from '#drivers/owner.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from '../soap/names.js';
import { numberIn } from './controller.js';
import { type DeviceChange, type FoundDevice, readPlaces } from './disk.js';
import { type Extra, keys } from './mark.js';

export const nativeCards = { Vmxnet3: 'VirtualVmxnet3', E1000e: 'VirtualE1000e' } as const satisfies Partial<
  Record<InterfaceModel, string>
>;

type Model = keyof typeof nativeCards;

/** A port group that machines can be attached to: its name, and how a card names it. */
export interface PortGroup {
  readonly name: string;
  /** Of a distributed switch; a standard one is known by its name alone. */
  readonly distributed?: { readonly portgroupKey: string; readonly switchUuid: string };
}

/** Cards have the places behind the seventh; `ethernet0` is the first. */
const firstUnit = 7;
export const maxInterfaces = 10;

function placeOf(device: XmlElement): string | undefined {
  const unit = numberIn(device, 'unitNumber');
  const isCard = Object.values(nativeCards).some((type) => type === typeOf(device)) || child(device, 'macAddress') !== undefined;
  return !isCard || unit === undefined ? undefined : `ethernet${unit - firstUnit}`;
}

/** Looked through once, however many names there are; of two in one place the first. */
const devicesByPlace = (devices: readonly XmlElement[]): ReadonlyMap<string | undefined, XmlElement> =>
  new Map(devices.toReversed().map((device) => [placeOf(device), device]));

/** The interfaces that carry a name. */
export function readInterfaces(devices: readonly XmlElement[], extra: Extra, groups: readonly PortGroup[]): readonly MachineInterface[] {
  const byPlace = devicesByPlace(devices);
  return Object.entries(readPlaces(extra[keys.interfaces])).flatMap(([name, place]) => {
    const device = byPlace.get(place);
    return device === undefined ? [] : [readInterface(name, device, groups)];
  });
}

function readInterface(name: string, device: XmlElement, groups: readonly PortGroup[]): MachineInterface {
  const model = (Object.keys(nativeCards) as Model[]).find((each) => nativeCards[each] === typeOf(device));
  const macAddress = textOf(child(device, 'macAddress'))?.toLowerCase();
  return {
    name,
    network: networkOf(device, groups),
    ...(model === undefined ? {} : { model }),
    ...(macAddress === undefined || macAddress === '' ? {} : { macAddress }),
  };
}

/** Cards of a model that we have a word for, on port groups that we see, called as their places: `ethernet0`. Others would be exchanged one day. */
export const foundCards = (devices: readonly XmlElement[], groups: readonly PortGroup[]): readonly FoundDevice[] =>
  [...devicesByPlace(devices)].flatMap(([place, device]) => {
    if (place === undefined || readInterface(place, device, groups).model === undefined) return [];
    return groups.some(({ name }) => name === networkOf(device, groups)) ? [{ device, name: place, place }] : [];
  });

/** Of a distributed port group that is not there any more only the key is known. */
function networkOf(device: XmlElement, groups: readonly PortGroup[]): string {
  const key = textOf(child(device, 'backing', 'port', 'portgroupKey'));
  if (key === undefined) return textOf(child(device, 'backing', 'deviceName')) ?? '';
  return groups.find(({ distributed }) => distributed?.portgroupKey === key)?.name ?? key;
}

export interface InterfaceChanges {
  readonly changes: readonly DeviceChange[];
  readonly places: string | undefined;
}

/** Makes the named interfaces just these; what is left to the host, and what is not named, stays as it is. */
export function interfaceChanges(
  devices: readonly XmlElement[],
  extra: Extra,
  wanted: readonly MachineInterface[],
  groups: readonly PortGroup[],
): InterfaceChanges {
  const places = new Map(Object.entries(readPlaces(extra[keys.interfaces])));
  const is = readInterfaces(devices, extra, groups);
  const changes: DeviceChange[] = [];
  const byPlace = devicesByPlace(devices);
  const taken = new Set(devices.map(placeOf));
  const remove = (name: string) => {
    const device = byPlace.get(places.get(name));
    if (device !== undefined) changes.push({ operation: 'remove', device });
    taken.delete(places.get(name));
    places.delete(name);
  };
  for (const name of [...places.keys()]) if (!wanted.some((one) => one.name === name)) remove(name);
  for (const one of wanted) {
    const there = is.find(({ name }) => name === one.name);
    if (there !== undefined && isAsWanted(there, one)) continue;
    remove(one.name);
    const unit = freeUnit(taken);
    places.set(one.name, `ethernet${unit}`);
    taken.add(`ethernet${unit}`);
    changes.push({ operation: 'add', device: newCard({ ...there, ...one }, groupNamed(one.name, one.network, groups), unit) });
  }
  return { changes, places: changes.length === 0 ? extra[keys.interfaces] : asciiJson(Object.fromEntries(places)) };
}

function isAsWanted(is: MachineInterface, { network, model, macAddress }: MachineInterface): boolean {
  return is.network === network && (model ?? is.model) === is.model && (macAddress ?? is.macAddress) === is.macAddress;
}

function freeUnit(taken: ReadonlySet<string | undefined>): number {
  const free = Array.from({ length: maxInterfaces }, (_, unit) => unit).find((unit) => !taken.has(`ethernet${unit}`));
  if (free === undefined)
    throw new DriverError('Invalid', `interfaces: the machine has ${maxInterfaces} cards already; accepted: at most ${maxInterfaces}`);
  return free;
}

/** A MAC address for one interface of one machine, in the range that VMware keeps for those that no host has made (00:50:56:00 to 00:50:56:3f). */
export function addressOf(uuid: string, name: string): string {
  const [first = 0, ...rest] = createHash('sha256')
    .update(JSON.stringify([uuid.toLowerCase(), name]))
    .digest()
    .subarray(0, 3);
  return ['00', '50', '56', ...[first & 0x3f, ...rest].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** NotFound, saying what there is, when there is no such port group. */
export function groupNamed(name: string, network: string, groups: readonly PortGroup[]): PortGroup {
  const found = groups.find((group) => group.name === network);
  if (found !== undefined) return found;
  const has = groups.map((group) => `"${group.name}"`).join(', ') || 'none';
  throw new DriverError('NotFound', `interface "${name}": the host has no port group "${network}"; it has ${has}`);
}

function newCard({ model = 'Vmxnet3', macAddress }: MachineInterface, group: PortGroup, unit: number): XmlElement {
  const address =
    macAddress === undefined
      ? [element('addressType', {}, 'generated')]
      : [element('addressType', {}, 'manual'), element('macAddress', {}, macAddress)];
  const connectable = ['startConnected', 'allowGuestControl', 'connected'].map((name) => element(name, {}, 'true'));
  const device = element(
    'device',
    {},
    element('key', {}, `${-4_000 - unit}`),
    backingOf(group),
    element('connectable', {}, ...connectable),
    element('unitNumber', {}, `${unit + firstUnit}`),
    ...address,
  );
  return typed(device, nativeCards[model as Model]);
}

function backingOf({ name, distributed }: PortGroup): XmlElement {
  if (distributed === undefined)
    return typed(element('backing', {}, element('deviceName', {}, name)), 'VirtualEthernetCardNetworkBackingInfo');
  const { switchUuid, portgroupKey } = distributed;
  const port = element('port', {}, element('switchUuid', {}, switchUuid), element('portgroupKey', {}, portgroupKey));
  return typed(element('backing', {}, port), 'VirtualEthernetCardDistributedVirtualPortBackingInfo');
}
