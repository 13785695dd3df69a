import type { Input } from '../../cim/namespace.js';
import type { CimObject } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine } from '../../model/machine.js';
import { modifyDevice, removeDevice } from '../../model/resources.js';
import { machineOf } from '../machine-methods.js';
import { embedded, type Methods, objects, oneObject, serviceMethods } from '../methods.js';
import { addParts, existingPart, partObjects, refusalCodes } from '../parts.js';
import type { V2Objects } from './objects.js';

/** Parts of machines. */
export function resourceMethods(host: Host, shown: V2Objects): Methods {
  return serviceMethods(host, 'Msvm_VirtualSystemManagementService', {
    AddResourceSettings: (input) => add(host, shown, input),
    ModifyResourceSettings: (input) => modify(host, shown, input),
    RemoveResourceSettings: (input) => remove(host, shown, input),
  });
}

async function add(host: Host, shown: V2Objects, input: Input) {
  const machine = machineOf(host, oneObject(input, 'AffectedConfiguration'));
  const added = await addParts(host, machine, embedded(input, 'ResourceSettings'));
  tell(host, shown, machine);
  return { ResultingResourceSettings: partObjects(shown.machines, machine, added) };
}

async function modify(host: Host, shown: V2Objects, input: Input) {
  const changed: CimObject[] = [];
  for (const given of embedded(input, 'ResourceSettings')) {
    const machine = machineOf(host, given);
    const device = await modifyDevice(host, machine, existingPart(machine, given, refusalCodes.v2), given);
    tell(host, shown, machine);
    changed.push(...partObjects(shown.machines, machine, [machine.deviceId(device)]));
  }
  return { ResultingResourceSettings: changed };
}

function remove(host: Host, shown: V2Objects, input: Input) {
  for (const given of objects(input, 'ResourceSettings')) {
    const machine = machineOf(host, given);
    removeDevice(machine, existingPart(machine, given, refusalCodes.v2));
    tell(host, shown, machine);
  }
  return {};
}

/** A machine says when its configuration was changed, be it only a part of it. */
function tell(host: Host, shown: V2Objects, machine: Machine): void {
  machine.configuredAt = Date.now();
  host.happens('__InstanceModificationEvent', shown.machines.system(machine));
}
