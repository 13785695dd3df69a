import type { Reference } from '../wsman/instance.js';
import { switchPort } from './classes.js';
import { access, type PortTag, trunk } from './port-tags.js';
import { identity, ownNames, uuidOf } from './wiring.js';
import { bindsTo, elementSettings, vlanEndpoint, vlanEndpointSettings } from './wiring-classes.js';
import type { Wmi } from './wmi.js';
import { keysIn } from './wql.js';

/** Of version 1: the ports of a host's switches, at one time. */
export interface PortLook {
  /** The port to which a path leads. Undefined when that is gone: a card keeps the path. */
  readonly at: (path: string) => { readonly tag?: PortTag } | undefined;
  /** Those that were made for a card, by its key. */
  readonly madeFor: (key: string) => readonly Reference[];
}

export const noPorts: PortLook = { at: () => undefined, madeFor: () => [] };

/** In five questions, however many there are. */
export async function lookAtPorts(wmi: Wmi, signal: AbortSignal): Promise<PortLook> {
  const [ports, vlans] = await Promise.all([wmi.find(switchPort, {}, signal), vlansOf(wmi, signal)]);
  const there = new Set(ports.map(({ reference }) => portKey(reference.selectors)));
  const made = new Map<string, Reference[]>();
  for (const { common, reference } of ports) {
    const key = /^virtwright (\S+) /i.exec(common.Name)?.[1]?.toUpperCase();
    if (key !== undefined) made.set(key, [...(made.get(key) ?? []), reference]);
  }
  return {
    at: (path) => (there.has(portKey(keysIn(path))) ? tagAt(keysIn(path), vlans) : undefined),
    madeFor: (key) => made.get(key) ?? [],
  };
}

interface Vlan {
  readonly mode: number;
  readonly vlan: number;
  readonly trunked: readonly number[];
  readonly reference: Reference;
}

/** By ports. A host has one for every card: who looks for each in a list blocks us for seconds. */
async function vlansOf(wmi: Wmi, signal: AbortSignal): Promise<ReadonlyMap<string, Vlan>> {
  const [binds, settingsOf, endpoints, settings] = await Promise.all([
    wmi.find(bindsTo, {}, signal),
    wmi.find(elementSettings, {}, signal),
    wmi.find(vlanEndpoint, {}, signal),
    wmi.find(vlanEndpointSettings, {}, signal),
  ]);
  const modes = new Map(endpoints.map(({ reference, common }) => [identity(reference), common.DesiredEndpointMode ?? access]));
  const settingsIn = new Map(settings.map((each) => [identity(each.reference), each]));
  const settingsFor = new Map(
    settingsOf.flatMap(({ common: { ManagedElement, SettingData } }) => {
      const found = settingsIn.get(identity(SettingData));
      return found === undefined ? [] : [[identity(ManagedElement), found] as const];
    }),
  );
  return new Map(
    binds.flatMap(({ common: { Antecedent: port, Dependent } }) => {
      const [mode, found] = [modes.get(identity(Dependent)), settingsFor.get(identity(Dependent))];
      if (mode === undefined || found === undefined) return [];
      const { AccessVLAN: vlan = 0, TrunkedVLANList: trunked } = found.common;
      return [[portKey(port.selectors), { mode, vlan, trunked, reference: found.reference }] as const];
    }),
  );
}

type Keys = Readonly<Record<string, string>>;

function tagAt(port: Keys, vlans: ReadonlyMap<string, Vlan>): { readonly tag?: PortTag } {
  const found = vlans.get(portKey(port));
  if (found === undefined) return {};
  const { mode, vlan, reference } = found;
  if (mode !== access) return { tag: { reference } };
  if (vlan === 0) return {};
  return { tag: { reference, vlan, ...(isLetThrough(port, vlan, vlans) ? {} : { isHeldBack: true }) } };
}

/** By the adapter of a switch of ours: by that of others their people let through what they like. */
function isLetThrough({ SystemName = '' }: Keys, vlan: number, vlans: ReadonlyMap<string, Vlan>): boolean {
  const uuid = uuidOf(SystemName.toUpperCase());
  const adapter = uuid === undefined ? undefined : vlans.get(portKey({ SystemName, Name: ownNames(uuid).adapterPort }));
  return adapter === undefined || (adapter.mode === trunk && adapter.trunked.includes(vlan));
}

const portKey = ({ SystemName, Name }: Keys): string => `${SystemName}\n${Name}`.toUpperCase();
