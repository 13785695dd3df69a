import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import { type CimObject, textOfValue, typedValues } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { mustBeUnused, newSwitch, type Switch } from '../../model/switch.js';
import { embedded, type Methods, objects, oneObject, serviceMethods, work } from '../methods.js';
import type { SwitchObjects } from './switch-objects.js';

const service = 'Msvm_VirtualEthernetSwitchManagementService';

/** Switches, and their own ports: to the host, to a card of the host. One that leads outside takes its time. */
export function switchMethods(host: Host, shown: SwitchObjects): Methods {
  return {
    ...serviceMethods(host, service, {
      DestroySystem: (input) => destroy(host, shown, input),
      ModifySystemSettings: (input) => modify(host, input),
      AddResourceSettings: (input) => addPorts(host, shown, input),
      RemoveResourceSettings: (input) => removePorts(host, input),
    }),
    [`${service}.DefineSystem`]: (_, input) => {
      const isLong = embedded(input, 'ResourceSettings').length > 0;
      return work(host, { method: 'DefineSystem', isLong, act: () => define(host, shown, input) });
    },
  };
}

function define(host: Host, shown: SwitchObjects, input: Input) {
  const made = newSwitch({ ElementName: 'New Virtual Switch', ...settingsOf(host, embedded(input, 'SystemSettings')[0]) });
  made.ports = embedded(input, 'ResourceSettings').map((each) => port(host, each));
  host.switches.set(made.id, made);
  host.happens('__InstanceCreationEvent', shown.switch(made));
  return { ResultingSystem: shown.switch(made) };
}

function destroy(host: Host, shown: SwitchObjects, input: Input) {
  const one = found(host, oneObject(input, 'AffectedSystem'));
  mustBeUnused(host.machines.values(), one);
  host.switches.delete(one.id);
  host.happens('__InstanceDeletionEvent', shown.switch(one));
  return {};
}

function modify(host: Host, input: Input) {
  const [given] = embedded(input, 'SystemSettings');
  const one = found(host, given ?? { className: '', values: {} });
  const { InstanceID: _, ...changed } = settingsOf(host, given);
  one.settings = { ...one.settings, ...changed };
  return {};
}

function addPorts(host: Host, shown: SwitchObjects, input: Input) {
  const one = found(host, oneObject(input, 'AffectedConfiguration'));
  const added = embedded(input, 'ResourceSettings').map((each) => port(host, each));
  one.ports = [...one.ports, ...added];
  const ids = added.map(({ suffix }) => `Microsoft:${one.id}${suffix}`);
  return { ResultingResourceSettings: shown.ports(one).filter(({ values }) => ids.includes(String(values['InstanceID']))) };
}

function removePorts(host: Host, input: Input) {
  for (const given of objects(input, 'ResourceSettings')) {
    const one = found(host, given);
    one.ports = one.ports.filter(({ suffix }) => `Microsoft:${one.id}${suffix}` !== textOfValue(given, 'InstanceID'));
  }
  return {};
}

function found(host: Host, of: CimObject): Switch {
  const id = (textOfValue(of, 'VirtualSystemIdentifier') ?? textOfValue(of, 'Name') ?? '').toUpperCase();
  const byInstance = /^Microsoft:([0-9A-F-]{36})/i.exec(textOfValue(of, 'InstanceID') ?? '')?.[1]?.toUpperCase() ?? '';
  const one = host.switches.get(id) ?? host.switches.get(byInstance);
  if (one === undefined) throw new Refusal(codes.cim.invalidParameter, 'There is no such switch.');
  return one;
}

function port(host: Host, { className, values }: CimObject): Switch['ports'][number] {
  const cimClass = host.words.classes.find(className);
  if (cimClass?.name !== 'Msvm_EthernetPortAllocationSettingData')
    throw new Refusal(codes.cim.invalidParameter, `${className} is no port.`);
  mustBeFree(host, values);
  return { className: cimClass.name, suffix: `\\${randomUUID().toUpperCase()}`, values: typedValues(cimClass, values) };
}

function settingsOf(host: Host, of: CimObject | undefined): CimObject['values'] {
  const cimClass = host.words.classes.find('Msvm_VirtualEthernetSwitchSettingData');
  return of === undefined || cimClass === undefined ? {} : typedValues(cimClass, of.values);
}

/** A card of the host is bound to one switch at most. */
function mustBeFree(host: Host, values: CimObject['values']): void {
  const paths = [values['HostResource'] ?? []].flat();
  const isThere = (path: string) => host.adapters.some(({ id }) => path.includes(id)) || /Msvm_ComputerSystem\./i.test(path);
  const stray = paths.find((path) => !isThere(path));
  if (stray !== undefined) throw new Refusal(codes.cim.invalidParameter, `A switch cannot lead to '${stray}'.`);
  for (const { id, name } of host.adapters) {
    const takes = (path: string) => path.includes(id);
    const isTaken = [...host.switches.values()].some(({ ports }) =>
      ports.some((each) => [each.values['HostResource'] ?? []].flat().some(takes)),
    );
    if (paths.some(takes) && isTaken) throw new Refusal(codes.cim.failed, `'${name}' is bound to another switch.`);
  }
}
