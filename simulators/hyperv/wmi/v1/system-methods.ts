import type { Input } from '../../cim/namespace.js';
import { textOfValue } from '../../cim/object.js';
import { defineMachine, destroyMachine, modifyMachine } from '../../model/definitions.js';
import type { Host } from '../../model/host.js';
import { modifySnapshot } from '../../model/snapshots.js';
import { machineOf, picture } from '../machine-methods.js';
import { embedded, type Methods, oneObject, serviceMethods } from '../methods.js';
import type { V1Objects } from './objects.js';

const service = 'Msvm_VirtualSystemManagementService';

/** Machines as a whole. One is always deleted by a job. */
export function systemMethods(host: Host, shown: V1Objects): Methods {
  return {
    ...serviceMethods(host, service, {
      DefineVirtualSystem: (input) => define(host, shown, input),
      ModifyVirtualSystem: (input) => modify(host, input),
    }),
    ...serviceMethods(host, service, { DestroyVirtualSystem: (input) => destroy(host, input) }, { isLong: true }),
    [`${service}.GetVirtualSystemThumbnailImage`]: (_, input) => picture(host, input),
  };
}

async function define(host: Host, shown: V1Objects, input: Input) {
  const [settings = { className: 'Msvm_VirtualSystemGlobalSettingData', values: {} }] = embedded(input, 'SystemSettingData');
  const machine = await defineMachine(host, settings, embedded(input, 'ResourceSettingData'));
  return { DefinedSystem: shown.machines.system(machine) };
}

function destroy(host: Host, input: Input) {
  destroyMachine(host, machineOf(host, oneObject(input, 'ComputerSystem')));
  return {};
}

function modify(host: Host, input: Input) {
  const machine = machineOf(host, oneObject(input, 'ComputerSystem'));
  for (const settings of embedded(input, 'SystemSettingData')) {
    const snapshot = machine.snapshots.find(({ id }) => `Microsoft:${id}` === textOfValue(settings, 'InstanceID'));
    if (snapshot === undefined) modifyMachine(host, machine, settings);
    else modifySnapshot(snapshot, settings.values);
  }
  return {};
}
