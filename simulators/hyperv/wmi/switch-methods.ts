import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, textOfValue, typedValues } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { newSwitch, type Switch } from '../model/switch.js';
import { embedded, type Methods, objects, oneObject, work } from './methods.js';
import type { V2Objects } from './v2-objects.js';

/** `Msvm_VirtualEthernetSwitchManagementService`. */
export function switchMethods(host: Host, shown: V2Objects): Methods {
  const found = (of: CimObject): Switch => {
    const id = (textOfValue(of, 'VirtualSystemIdentifier') ?? textOfValue(of, 'Name') ?? '').toUpperCase();
    const byInstance = /^Microsoft:([0-9A-F-]{36})/i.exec(textOfValue(of, 'InstanceID') ?? '')?.[1]?.toUpperCase() ?? '';
    const one = host.switches.get(id) ?? host.switches.get(byInstance);
    if (one === undefined) throw new Refusal(codes.cim.invalidParameter, 'There is no such switch.');
    return one;
  };
  const port = ({ className, values }: CimObject) => {
    const cimClass = host.words.classes.find(className);
    if (cimClass?.name !== 'Msvm_EthernetPortAllocationSettingData')
      throw new Refusal(codes.cim.invalidParameter, `${className} is no port.`);
    mustBeFree(host, values);
    return { className: cimClass.name, suffix: `\\${randomUUID().toUpperCase()}`, values: typedValues(cimClass, values) };
  };
  const settingsOf = (of: CimObject | undefined) => {
    const cimClass = host.words.classes.find('Msvm_VirtualEthernetSwitchSettingData');
    return of === undefined || cimClass === undefined ? {} : typedValues(cimClass, of.values);
  };
  return {
    'Msvm_VirtualEthernetSwitchManagementService.DefineSystem': (_, input) =>
      work(host, {
        method: 'DefineSystem',
        isLong: embedded(input, 'ResourceSettings').length > 0,
        act: () => {
          const made = newSwitch({ ElementName: 'New Virtual Switch', ...settingsOf(embedded(input, 'SystemSettings')[0]) });
          made.ports = embedded(input, 'ResourceSettings').map(port);
          host.switches.set(made.id, made);
          host.happens('__InstanceCreationEvent', shown.switch(made));
          return { ResultingSystem: shown.switch(made) };
        },
      }),
    'Msvm_VirtualEthernetSwitchManagementService.DestroySystem': (_, input) =>
      work(host, {
        method: 'DestroySystem',
        act: () => {
          const one = found(oneObject(input, 'AffectedSystem'));
          host.switches.delete(one.id);
          host.happens('__InstanceDeletionEvent', shown.switch(one));
          return {};
        },
      }),
    'Msvm_VirtualEthernetSwitchManagementService.ModifySystemSettings': (_, input) =>
      work(host, {
        method: 'ModifySystemSettings',
        act: () => {
          const [given] = embedded(input, 'SystemSettings');
          const one = found(given ?? { className: '', values: {} });
          const { InstanceID: _, ...changed } = settingsOf(given);
          one.settings = { ...one.settings, ...changed };
          return {};
        },
      }),
    'Msvm_VirtualEthernetSwitchManagementService.AddResourceSettings': (_, input) =>
      work(host, {
        method: 'AddResourceSettings',
        act: () => {
          const one = found(oneObject(input, 'AffectedConfiguration'));
          const added = embedded(input, 'ResourceSettings').map(port);
          one.ports = [...one.ports, ...added];
          const ids = added.map(({ suffix }) => `Microsoft:${one.id}${suffix}`);
          return { ResultingResourceSettings: shown.ports(one).filter(({ values }) => ids.includes(String(values['InstanceID']))) };
        },
      }),
    'Msvm_VirtualEthernetSwitchManagementService.RemoveResourceSettings': (_, input) =>
      work(host, {
        method: 'RemoveResourceSettings',
        act: () => {
          for (const given of objects(input, 'ResourceSettings')) {
            const one = found(given);
            one.ports = one.ports.filter(({ suffix }) => `Microsoft:${one.id}${suffix}` !== textOfValue(given, 'InstanceID'));
          }
          return {};
        },
      }),
  };
}

/** A card of the host is bound to one switch at most. */
function mustBeFree(host: Host, values: CimObject['values']): void {
  const paths = [values['HostResource'] ?? []].flat();
  for (const { id, name } of host.adapters) {
    const takes = (path: string) => path.includes(id);
    const isTaken = [...host.switches.values()].some(({ ports }) =>
      ports.some((port) => [port.values['HostResource'] ?? []].flat().some(takes)),
    );
    if (paths.some(takes) && isTaken) throw new Refusal(codes.cim.failed, `'${name}' is bound to another switch.`);
  }
}
