import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import { switchPort } from './classes.js';
import { ownNames, uuidOf } from './wiring.js';
import { vlanEndpoint, vlanEndpointSettings } from './wiring-classes.js';
import type { Wmi } from './wmi.js';

/** Of DesiredEndpointMode. */
export const access = 2;
export const trunk = 5;

/** How the frames of a card are tagged by its port; without `vlan` in a way that we have no word for. */
export interface PortTag {
  readonly reference: Reference;
  readonly vlan?: number;
  /** The switch's adapter, which is ours, does not let the tag through. */
  readonly isHeldBack?: boolean;
}

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
