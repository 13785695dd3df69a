import type { Instance, Value } from '../wsman/instance.js';
import type { Wmi } from './wmi.js';

/** What an event is about: a machine or a switch, by its GUID in upper case; or something that we do not know. */
export type Happening = { readonly kind: 'machine' | 'switch'; readonly id: string } | { readonly kind: 'unknown' };

/** Over WS-Management, events of WMI came with Windows 8. */
export const hasEvents = ({ version }: Wmi): boolean => version === 'v2';

/** In seconds: how often a host looks at what tells of itself nothing. */
const lookEvery = 2;
const about = ['Msvm_ComputerSystem', 'Msvm_VirtualSystemSettingData', 'Msvm_VirtualEthernetSwitch'];
const wql = `SELECT * FROM __InstanceOperationEvent WITHIN ${lookEvery} WHERE ${about.map((name) => `TargetInstance ISA '${name}'`).join(' OR ')}`;

/** What comes, changes and goes. The first is empty, and says that the host hears us; ends as `WsmanClient.subscribe` does. */
export async function* happenings({ client, namespace }: Wmi, signal: AbortSignal): AsyncGenerator<readonly Happening[]> {
  for await (const events of client.subscribe(namespace, wql, signal)) yield events.map(happeningOf);
}

/** Of objects within others no class is told, and each of these three has something that the others have not. */
function happeningOf({ properties }: Instance): Happening {
  const [target] = properties.get('TargetInstance') ?? [];
  if (typeof target !== 'object' || target.kind !== 'embedded') return { kind: 'unknown' };
  const ownerId = guidIn(target.properties.get('VirtualSystemIdentifier'));
  if (ownerId !== undefined) return { kind: 'machine', id: ownerId };
  const [className, id] = [textIn(target.properties.get('CreationClassName')), guidIn(target.properties.get('Name'))];
  if (id === undefined) return { kind: 'unknown' };
  if (className === 'Msvm_ComputerSystem') return { kind: 'machine', id };
  return className === 'Msvm_VirtualEthernetSwitch' ? { kind: 'switch', id } : { kind: 'unknown' };
}

const textIn = (values: readonly Value[] = []): string => (typeof values[0] === 'string' ? values[0] : '');

const guidIn = (values: readonly Value[] | undefined): string | undefined =>
  /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i.exec(textIn(values))?.[0].toUpperCase();
