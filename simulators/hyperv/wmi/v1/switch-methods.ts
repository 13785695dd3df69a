import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { mustBeUnused, newSwitch, type Switch } from '../../model/switch.js';
import { type Methods, oneObject, serviceMethods, text } from '../methods.js';
import type { SwitchObjects } from './switch-objects.js';

/** Switches and their ports, whose names are unique among all. */
export function switchMethods(host: Host, shown: SwitchObjects): Methods {
  return serviceMethods(host, 'Msvm_VirtualSwitchManagementService', {
    CreateSwitch: (input) => create(host, shown, input),
    DeleteSwitch: (input) => {
      const found = switchOf(host, textOfValue(oneObject(input, 'VirtualSwitch'), 'Name'));
      mustBeUnused(host.machines.values(), found);
      for (const { values } of found.ports) host.wiring.forget(String(values['Name']));
      host.switches.delete(found.id);
      return {};
    },
    CreateSwitchPort: (input) => createPort(host, shown, input),
    DeleteSwitchPort: (input) => deletePort(host, oneObject(input, 'SwitchPort')),
  });
}

function create(host: Host, shown: SwitchObjects, input: Input) {
  const id = (text(input, 'Name') || randomUUID()).toUpperCase();
  if (host.switches.has(id)) throw new Refusal(codes.failed, `There is a switch '${id}' already.`);
  const made = { ...newSwitch({ ElementName: text(input, 'FriendlyName') }), id };
  host.switches.set(made.id, made);
  return { CreatedVirtualSwitch: shown.switch(made) };
}

function createPort(host: Host, shown: SwitchObjects, input: Input) {
  const found = switchOf(host, textOfValue(oneObject(input, 'VirtualSwitch'), 'Name'));
  const name = text(input, 'Name') || randomUUID().toUpperCase();
  const all = [...host.switches.values()].flatMap(({ ports }) => ports);
  if (all.some(({ values }) => values['Name'] === name)) throw new Refusal(codes.failed, `There is a port '${name}' already.`);
  const values = { Name: name, ElementName: text(input, 'FriendlyName'), EnabledState: '2' };
  found.ports = [...found.ports, { className: 'Msvm_SwitchPort', suffix: '', values }];
  return { CreatedSwitchPort: shown.ports(found).find((each) => each.values['Name'] === name) };
}

function deletePort(host: Host, port: CimObject) {
  const found = switchOf(host, textOfValue(port, 'SystemName'));
  host.wiring.forget(textOfValue(port, 'Name') ?? '');
  found.ports = found.ports.filter(({ values }) => values['Name'] !== textOfValue(port, 'Name'));
  return {};
}

function switchOf(host: Host, id = ''): Switch {
  const found = host.switches.get(id.toUpperCase());
  if (found === undefined) throw new Refusal(codes.invalidParameter, 'There is no such switch.');
  return found;
}
