import type { Input } from '../../cim/namespace.js';
import type { CimObject } from '../../cim/object.js';
import { problems } from '../../cim/problem.js';
import { defineMachine, destroyMachine, modifyMachine } from '../../model/definitions.js';
import type { Host } from '../../model/host.js';
import { modifySnapshot } from '../../model/snapshots.js';
import { machineOf, picture } from '../machine-methods.js';
import { embedded, type Methods, oneObject, serviceMethods } from '../methods.js';
import type { V2Objects } from './objects.js';
import { snapshotOf } from './snapshots.js';

const service = 'Msvm_VirtualSystemManagementService';

/** Machines as a whole. */
export function systemMethods(host: Host, shown: V2Objects): Methods {
  return {
    ...serviceMethods(host, service, {
      DefineSystem: (input) => define(host, shown, input),
      DestroySystem: (input) => destroy(host, shown, input),
      ModifySystemSettings: (input) => modify(host, shown, input),
    }),
    [`${service}.GetVirtualSystemThumbnailImage`]: (_, input) => picture(host, input),
  };
}

async function define(host: Host, shown: V2Objects, input: Input) {
  const [settings = { className: 'Msvm_VirtualSystemSettingData', values: {} }] = embedded(input, 'SystemSettings');
  const machine = await defineMachine(host, settings, embedded(input, 'ResourceSettings'));
  host.happens('__InstanceCreationEvent', shown.machines.system(machine));
  return { ResultingSystem: shown.machines.system(machine) };
}

function destroy(host: Host, shown: V2Objects, input: Input) {
  const machine = machineOf(host, oneObject(input, 'AffectedSystem'));
  destroyMachine(host, machine);
  host.happens('__InstanceDeletionEvent', shown.machines.system(machine));
  return {};
}

function modify(host: Host, shown: V2Objects, input: Input) {
  const [settings] = embedded(input, 'SystemSettings');
  if (settings === undefined) throw problems.invalid('SystemSettings is missing');
  const found = snapshotOf(host, settings);
  if (found === undefined) modifyLive(host, shown, settings);
  else modifySnapshot(found.snapshot, settings.values);
  return {};
}

function modifyLive(host: Host, shown: V2Objects, settings: CimObject): void {
  const machine = machineOf(host, settings);
  modifyMachine(host, machine, settings);
  host.happens('__InstanceModificationEvent', shown.settings(machine));
}
