import { DriverError } from '#drivers/error.js';
import { decodeEmbedded } from '../wsman/embedded.js';
import type { Card } from './cards.js';
import { guestCard, kvpComponent } from './classes.js';
import type { Wmi } from './wmi.js';

/** What the guest of a machine says of itself, by name; nothing where no integration services run. A guest writes what it likes. */
export async function guestItems(wmi: Wmi, machine: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const [component] = await wmi.find(kvpComponent, { SystemName: machine }, signal);
  const items = component?.common.GuestIntrinsicExchangeItems ?? [];
  return new Map(items.flatMap(itemIn).filter(([, data]) => data !== ''));
}

/** One without a value has an empty one; nothing where it is no item. */
export function itemIn(text: string): readonly (readonly [string, string])[] {
  try {
    const { properties } = decodeEmbedded(text);
    const [[name], [data = '']] = [properties.get('Name') ?? [], properties.get('Data') ?? []];
    return name === undefined ? [] : [[name, data]];
  } catch (reason) {
    if (reason instanceof DriverError) return [];
    throw reason;
  }
}

/** Addresses of one card. Version 1 does not tell which card has which: they are its own when it is the only one. */
export async function guestIps(
  wmi: Wmi,
  all: readonly Card[],
  card: Card,
  items: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (wmi.version === 'v1')
    return all.length > 1 ? [] : ['NetworkAddressIPv4', 'NetworkAddressIPv6'].flatMap((name) => items.get(name)?.split(';') ?? []);
  const found = await wmi.associated(card.reference, 'Msvm_SettingDataComponent', guestCard, signal);
  return found.flatMap((each) => (each.version === 'v2' ? each.v2.IPAddresses : []));
}
