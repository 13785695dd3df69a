import type { Input } from '../../cim/namespace.js';
import type { Host } from '../../model/host.js';
import { modifyDevice, removeDevice } from '../../model/resources.js';
import { machineOf } from '../machine-methods.js';
import { embedded, type Methods, objects, oneObject, serviceMethods } from '../methods.js';
import { addParts, existingPart, partObjects, refusalCodes } from '../parts.js';
import type { V1Objects } from './objects.js';

/** Parts of machines. */
export function resourceMethods(host: Host, shown: V1Objects): Methods {
  return serviceMethods(host, 'Msvm_VirtualSystemManagementService', {
    AddVirtualSystemResources: (input) => add(host, shown, input),
    ModifyVirtualSystemResources: (input) => modify(host, input),
    RemoveVirtualSystemResources: (input) => remove(host, input),
  });
}

async function add(host: Host, shown: V1Objects, input: Input) {
  const machine = machineOf(host, oneObject(input, 'TargetSystem'));
  const added = await addParts(host, machine, embedded(input, 'ResourceSettingData'));
  return { NewResources: partObjects(shown.machines, machine, added) };
}

async function modify(host: Host, input: Input) {
  const machine = machineOf(host, oneObject(input, 'ComputerSystem'));
  for (const given of embedded(input, 'ResourceSettingData'))
    await modifyDevice(host, machine, existingPart(machine, given, refusalCodes.v1), given);
  return {};
}

function remove(host: Host, input: Input) {
  const machine = machineOf(host, oneObject(input, 'TargetSystem'));
  for (const given of objects(input, 'ResourceSettingData')) removeDevice(machine, existingPart(machine, given, refusalCodes.v1));
  return {};
}
