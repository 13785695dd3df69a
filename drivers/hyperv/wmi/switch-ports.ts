import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import { classUri } from '../wsman/names.js';
import { embedObject, type ObjectOf } from './class.js';
import { computerSystem, connection, externalPort } from './classes.js';
import { resourceTypes, subType } from './part.js';
import type { SwitchPorts } from './switch-shape.js';
import { isSame, portsIn, readWiring } from './wiring.js';
import type { Wmi } from './wmi.js';
import { beginning, keysIn, objectPath } from './wql.js';

type Adapter = ObjectOf<typeof externalPort>;

/** The ports of these switches, by the switch's GUID. */
export async function portsOf(wmi: Wmi, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SwitchPorts>> {
  if (ids.length === 0) return new Map();
  if (wmi.version === 'v1') return portsIn(await readWiring(wmi, signal), ids);
  const beginnings = ids.map((id) => `Microsoft:${id}`);
  const [ports, adapters] = await Promise.all([
    wmi.select(connection, beginning('InstanceID', beginnings), signal),
    wmi.find(externalPort, {}, signal),
  ]);
  const isOf = (id: string, port: ObjectOf<typeof connection>) =>
    port.version === 'v2' && port.v2.InstanceID.toUpperCase().startsWith(`MICROSOFT:${id}`);
  return new Map(
    ids.map((id) => [
      id,
      leading(
        ports.filter((port) => isOf(id, port)),
        adapters,
      ),
    ]),
  );
}

function leading(ports: readonly ObjectOf<typeof connection>[], adapters: readonly Adapter[]): SwitchPorts {
  const leads = ports.map((port) => ({ reference: port.reference, to: port.version === 'v2' ? (port.v2.HostResource[0] ?? '') : '' }));
  const inside = leads.filter(({ to }) => /Msvm_ComputerSystem\./i.test(to)).map(({ reference }) => reference);
  const others = leads.filter(({ to }) => /Port\./i.test(to));
  const outside = others.map(({ reference }) => reference);
  const host = inside.length > 0 ? 'Attached' : 'Detached';
  if (others.length === 0) return { ends: { host }, outside, inside };
  const [only, ...more] = others;
  const id = keysIn(only?.to ?? '')['DeviceID']?.toLowerCase();
  const device = adapters.find(({ common }) => common.DeviceID.toLowerCase() === id)?.common.ElementName;
  return { ends: device === undefined || more.length > 0 ? undefined : { device, host }, outside, inside };
}

/** The adapter of that description, which no switch has. @throws DriverError NotFound or Conflict */
export async function freeAdapter(wmi: Wmi, device: string, signal: AbortSignal): Promise<Adapter> {
  const [found, ...twins] = await wmi.find(externalPort, { ElementName: device }, signal);
  if (found === undefined) throw new DriverError('NotFound', `the host has no network adapter ${JSON.stringify(device)}`);
  if (twins.length > 0) throw new DriverError('Conflict', `the host has ${twins.length + 1} network adapters ${JSON.stringify(device)}`);
  if (found.common.IsBound === true) throw new DriverError('Conflict', await boundBy(wmi, found, device, signal));
  return found;
}

/** What has it, and what to do. In version 1 an adapter can be bound without a switch, which no list of switches shows. */
async function boundBy(wmi: Wmi, { reference }: Adapter, device: string, signal: AbortSignal): Promise<string> {
  const end = wmi.version === 'v1' ? (await readWiring(wmi, signal)).ends.find(({ adapter }) => isSame(adapter, reference)) : undefined;
  const adapter = `network adapter ${JSON.stringify(device)}`;
  if (end === undefined || end.port !== undefined) return `${adapter} carries a switch already; name that as existing, or take it apart`;
  return `${adapter} is bound to switches, and no switch has it; clear "Microsoft Virtual Network Switch Protocol" in its properties on the host`;
}

/** A port by which a switch leads outside. */
export const outsidePort = (wmi: Wmi, name: string, { reference }: Adapter): string => port(wmi, `${name}_External`, reference);

/** The host's own, as it is called there; it has the address of the adapter that it takes its network over from. */
export function insidePort(wmi: Wmi, name: string, adapter: Adapter | undefined): string {
  const className = computerSystem.name[wmi.version];
  const selectors = { CreationClassName: className, Name: wmi.server };
  const host: Reference = { kind: 'reference', resourceUri: classUri(wmi.namespace, className), selectors };
  return port(wmi, name, host, adapter?.common.PermanentAddress);
}

function port(wmi: Wmi, name: string, to: Reference, address?: string): string {
  const v2 = {
    ElementName: name,
    ResourceType: resourceTypes.v2.connection,
    ResourceSubType: subType('v2', 'Ethernet Connection'),
    HostResource: [objectPath(wmi.server, wmi.namespace, to)],
    ...(address === undefined ? {} : { Address: address }),
  };
  return embedObject(connection, { version: 'v2', v2 });
}
