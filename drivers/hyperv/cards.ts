import { randomUUID } from 'node:crypto';
import type { MachineInterface } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type Inventory, networkNames } from './inventory.js';
import { glanceOf, type NativeMachine, ownedOf } from './native.js';
import { cardWithAddress, newCard } from './wmi/cards.js';
import type { NetworkSwitch } from './wmi/switch-shape.js';

/** The switch of each network, by the network's name. */
export async function switchesByName({ switches }: Inventory, signal: AbortSignal): Promise<ReadonlyMap<string, NetworkSwitch>> {
  const all = await switches.list(signal);
  const names = networkNames(all);
  return new Map(all.map((each) => [names.get(each.id) ?? each.name, each]));
}

/** @throws DriverError NotFound for a network that the host has not, Conflict for one that does not work */
export function checkNetworks(
  native: NativeMachine,
  interfaces: readonly MachineInterface[],
  switches: ReadonlyMap<string, NetworkSwitch>,
): void {
  const machine = `machine "${glanceOf(native).nativeName}"`;
  for (const { name, network } of interfaces) {
    const found = switches.get(network);
    const twins = [...switches].filter(([, each]) => each.name === network).map(([nativeName]) => JSON.stringify(nativeName));
    if (found === undefined && twins.length > 1)
      throw new DriverError(
        'NotFound',
        `${machine}: interface "${name}": the host has ${twins.length} switches "${network}"; accepted: ${twins.join(', ')}`,
      );
    if (found === undefined)
      throw new DriverError('NotFound', `${machine}: interface "${name}": the host has no switch "${network}"; make it, or name another`);
    if (!found.isWell)
      throw new DriverError('Conflict', `${machine}: interface "${name}": switch "${network}" does not work; look at the host`);
  }
}

/** A card of that name which others put in would become ours. @throws DriverError Conflict */
export function checkCardNames(native: NativeMachine, interfaces: readonly MachineInterface[]): void {
  const owned = ownedOf(native).cards;
  for (const { name } of interfaces) {
    const isTheirs = !owned.includes(name) && native.parts.cards.some((card) => card.name === name);
    if (isTheirs)
      throw new DriverError(
        'Conflict',
        `machine "${glanceOf(native).nativeName}": it has a network card "${name}" that is not ours; rename that, or the interface`,
      );
  }
}

/** Takes out our cards that nobody wants any more. */
export async function clearCards(
  native: NativeMachine,
  wanted: readonly MachineInterface[],
  { service, switches }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const isWanted = (name: string) => wanted.some((each) => each.name === name);
  const owned = ownedOf(native).cards;
  for (const card of native.parts.cards.filter(({ name }) => owned.includes(name) && !isWanted(name))) {
    await switches.unplug(native.system, card, signal);
    await service.remove(native.system.reference, [card.reference], signal);
  }
}

/** Adds the cards whose names are written down. */
export async function addCards(
  { system, parts }: NativeMachine,
  wanted: readonly MachineInterface[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, macAddress = '' } of wanted) {
    const card = parts.cards.find((each) => each.name === name);
    if (card === undefined) await service.add(system.reference, [newCard(wmi, name, macAddress, randomUUID())], signal);
    else if (card.macAddress !== macAddress) await service.alter(system.reference, [cardWithAddress(wmi, card, macAddress)], signal);
  }
}

/** Plugs them in where they are not yet, nowhere untagged, nor with a tag for elsewhere. */
export async function plugCards(
  { system, parts }: NativeMachine,
  wanted: readonly MachineInterface[],
  by: ReadonlyMap<string, NetworkSwitch>,
  { switches }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, network, vlan } of wanted) {
    const [card, into] = [parts.cards.find((each) => each.name === name), by.get(network)];
    if (card !== undefined && into !== undefined) await switches.plug(system, card, into, vlan, signal);
  }
}

/** Takes away what was left where our cards were plugged in before. */
export async function sweepCards(native: NativeMachine, { switches }: Inventory, signal: AbortSignal): Promise<void> {
  const owned = ownedOf(native).cards;
  for (const card of native.parts.cards.filter(({ name }) => owned.includes(name))) await switches.sweep(card, signal);
}

/** Tags the frames of those that are plugged in, as they are asked to be. */
export async function tagCards(
  native: NativeMachine,
  wanted: readonly MachineInterface[],
  { switches }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, vlan } of wanted) {
    const card = native.parts.cards.find((each) => each.name === name);
    if (card !== undefined) await switches.tag(card, vlan, signal);
  }
}
