import { renderEmbedded } from '../cim/embedded.js';
import type { CimObject } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { addItems, modifyItems, removeItems } from '../model/host-items.js';
import type { Machine } from '../model/machine.js';
import { machineOf } from './machine-methods.js';
import { embedded, type Methods, oneObject, serviceMethods } from './methods.js';

/** What a host tells its guests, in the same way in both versions. */
export function kvpMethods(host: Host): Methods {
  const changed = (change: (machine: Machine, items: readonly CimObject[]) => void) => (input: Parameters<typeof oneObject>[0]) => {
    change(machineOf(host, oneObject(input, 'TargetSystem')), embedded(input, 'DataItems'));
    return {};
  };
  return serviceMethods(host, 'Msvm_VirtualSystemManagementService', {
    AddKvpItems: changed(addItems),
    ModifyKvpItems: changed(modifyItems),
    RemoveKvpItems: changed(removeItems),
  });
}

/** It is there whether the machine runs or not. */
export function kvpSettings({ instanceId, hostItems }: Machine): CimObject {
  const more = { Caption: 'Key-Value Pair Exchange Data Item', Description: 'Microsoft Key-Value Pair Exchange Data Item' };
  const item = (name: string, data: string) =>
    renderEmbedded('Msvm_KvpExchangeDataItem', { ...more, Data: data, ElementName: more.Caption, Name: name, Source: '0' });
  const values = {
    InstanceID: `${instanceId}\\2A34B1C2-FD73-4043-8A5B-DD2159BC743F`,
    ElementName: 'Key-Value Pair Exchange',
    ResourceType: '1',
    EnabledState: '2',
    HostExchangeItems: [...hostItems].map(([name, data]) => item(name, data)),
    HostOnlyItems: [],
  };
  return { className: 'Msvm_KvpExchangeComponentSettingData', values };
}
