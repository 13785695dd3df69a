import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import { switchPort } from './classes.js';
import { identity, ownNames, uuidOf } from './wiring.js';
import { bindsTo, elementSettings, vlanEndpoint, vlanEndpointSettings } from './wiring-classes.js';
import type { Wmi } from './wmi.js';
import { keysIn } from './wql.js';

/** Of DesiredEndpointMode. */
const access = 2;
const trunk = 5;

/** Without `vlan` in a way that we have no word for. */
export interface PortTag {
  readonly reference: Reference;
  readonly vlan?: number;
}

/** Of version 1: how frames are tagged by the port to which a path leads. */
export type PortTags = (path: string) => { readonly tag?: PortTag };

/** Of all ports, in four questions, however many there are. */
export async function portTags(wmi: Wmi, signal: AbortSignal): Promise<PortTags> {
  const [binds, settingsOf, endpoints, settings] = await Promise.all([
    wmi.find(bindsTo, {}, signal),
    wmi.find(elementSettings, {}, signal),
    wmi.find(vlanEndpoint, {}, signal),
    wmi.find(vlanEndpointSettings, {}, signal),
  ]);
  // A host has a port for every card: what is looked for in a list each time blocks us for seconds.
  const modes = new Map(endpoints.map(({ reference, common }) => [identity(reference), common.DesiredEndpointMode]));
  const settingsIn = new Map(settings.map((each) => [identity(each.reference), each]));
  const settingsFor = new Map(
    settingsOf.flatMap(({ common: { ManagedElement, SettingData } }) => {
      const found = settingsIn.get(identity(SettingData));
      return found === undefined ? [] : [[identity(ManagedElement), found] as const];
    }),
  );
  const tags = new Map(
    binds.flatMap(({ common: { Antecedent: port, Dependent } }) => {
      const endpoint = identity(Dependent);
      const found = settingsFor.get(endpoint);
      if (found === undefined || !modes.has(endpoint)) return [];
      return [[portKey(port.selectors), tagOf(modes.get(endpoint), found.common.AccessVLAN, found.reference)] as const];
    }),
  );
  return (path) => tags.get(portKey(keysIn(path))) ?? {};
}

function tagOf(mode = access, vlan = 0, reference: Reference): ReturnType<PortTags> {
  if (mode !== access) return { tag: { reference } };
  return vlan === 0 ? {} : { tag: { reference, vlan } };
}

const portKey = (keys: Readonly<Record<string, string>>): string => `${keys['SystemName']}\n${keys['Name']}`.toUpperCase();

/** Does one thing at a time of those of one key. */
export type InRow = (key: string, act: () => Promise<void>, signal: AbortSignal) => Promise<void>;

/** Writes tags. */
export class Tagger {
  readonly #wmi: Wmi;
  /** By their switches: what an adapter lets through is read and written back whole, and machines of one switch are changed at once. */
  readonly #inRow: InRow;

  constructor(wmi: Wmi, inRow: InRow) {
    this.#wmi = wmi;
    this.#inRow = inRow;
  }

  /** Has a machine's port tag its frames with that, or with nothing. The adapter of a switch of ours lets the tag through before. */
  async tag(port: Reference, vlan: number | undefined, signal: AbortSignal): Promise<void> {
    const { endpoint, settings } = await vlanOf(this.#wmi, port, signal);
    if (vlan !== undefined) await this.letThrough(port, vlan, signal);
    const wanted = vlan ?? 0;
    if ((settings.common.AccessVLAN ?? 0) !== wanted) await this.#wmi.put(settings.reference, { AccessVLAN: String(wanted) }, signal);
    if (endpoint.common.DesiredEndpointMode !== access)
      await this.#wmi.put(endpoint.reference, { DesiredEndpointMode: String(access) }, signal);
  }

  /**
   * Has the adapter of the switch that the port is of let the tag through. Only of a switch of ours: what passes through others is their people's.
   * @throws DriverError Unsupported for an adapter that carries none
   */
  async letThrough(port: Reference, vlan: number, signal: AbortSignal): Promise<void> {
    const switchName = port.selectors['SystemName'] ?? '';
    const uuid = uuidOf(switchName.toUpperCase());
    if (uuid === undefined) return;
    const act = async () => {
      const wanted = { Name: ownNames(uuid).adapterPort, SystemName: switchName };
      const [found] = await this.#wmi.find(switchPort, wanted, signal);
      if (found !== undefined) await this.#addToTrunk(found.reference, vlan, signal);
    };
    await this.#inRow(uuid, act, signal);
  }

  async #addToTrunk(port: Reference, vlan: number, signal: AbortSignal): Promise<void> {
    const { endpoint, settings } = await vlanOf(this.#wmi, port, signal);
    const { SupportedEndpointModes: modes, DesiredEndpointMode: mode } = endpoint.common;
    if (modes.length > 0 && !modes.includes(trunk))
      throw new DriverError('Unsupported', `vlan: ${vlan} was given; the host's adapter of that network carries no VLANs: leave it out`);
    const lets = settings.common.TrunkedVLANList;
    if (!lets.includes(vlan)) await this.#wmi.put(settings.reference, { TrunkedVLANList: [...lets, vlan].map(String) }, signal);
    if (mode !== trunk) await this.#wmi.put(endpoint.reference, { DesiredEndpointMode: String(trunk) }, signal);
  }
}

async function vlanOf(wmi: Wmi, port: Reference, signal: AbortSignal) {
  const [endpoint] = await wmi.associated(port, 'Msvm_BindsTo', vlanEndpoint, signal);
  const [settings] =
    endpoint === undefined ? [] : await wmi.associated(endpoint.reference, 'Msvm_NetworkElementSettingData', vlanEndpointSettings, signal);
  if (endpoint === undefined || settings === undefined)
    throw new DriverError('NotFound', `port "${port.selectors['Name']}" of a switch has no VLAN settings (any more)`);
  return { endpoint, settings };
}
