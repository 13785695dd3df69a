import { embedObject } from './class.js';
import { kvpItem, kvpSettings } from './classes.js';
import { itemIn } from './guest.js';
import type { Wmi } from './wmi.js';
import { beginning } from './wql.js';

/** What the host tells the guest of a machine, by name: a machine that is off has it, too. */
export async function hostItems(wmi: Wmi, machine: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const found = await wmi.select(kvpSettings, beginning('InstanceID', [`Microsoft:${machine}`]), signal);
  return new Map(found.flatMap(({ common }) => common.HostExchangeItems.flatMap(itemIn)));
}

export function itemText({ version }: Wmi, name: string, data: string): string {
  return embedObject(kvpItem, { version, common: { Name: name, Data: data, Source: 0 } });
}
