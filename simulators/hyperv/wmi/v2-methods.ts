import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, textOfValue, typedValues } from '../cim/object.js';
import { problems } from '../cim/problem.js';
import { defineMachine, destroyMachine, modifyMachine } from '../model/definitions.js';
import type { Host } from '../model/host.js';
import type { Machine, Snapshot } from '../model/machine.js';
import type { Power } from '../model/power.js';
import { addDevice, modifyDevice, removeDevice } from '../model/resources.js';
import { applySnapshot, destroySnapshot, takeSnapshot } from '../model/snapshots.js';
import { imageMethods } from './image-methods.js';
import { commonMethods, machineOf, thumbnail } from './machine-methods.js';
import { embedded, type Methods, objects, oneObject, text, work } from './methods.js';
import { switchMethods } from './switch-methods.js';
import type { V2Objects } from './v2-objects.js';

export function v2Methods(host: Host, power: Power, shown: V2Objects): Methods {
  const deviceObject = (machine: Machine, instanceId: string) =>
    shown.machines.devices(machine).find(({ values }) => values['InstanceID'] === instanceId);
  const existing = (of: CimObject) => {
    const id = textOfValue(of, 'InstanceID') ?? '';
    const machine = machineOf(host, of);
    const device = machine.device(id);
    if (device === undefined) throw new Refusal(codes.cim.invalidParameter, `'${id}' is no part of '${machine.name}'.`);
    return { machine, device };
  };
  return {
    ...commonMethods(host, power),
    ...switchMethods(host, shown),
    ...imageMethods(host),
    'Msvm_VirtualSystemManagementService.DefineSystem': (_, input) =>
      work(host, {
        method: 'DefineSystem',
        act: async () => {
          const [settings = { className: 'Msvm_VirtualSystemSettingData', values: {} }] = embedded(input, 'SystemSettings');
          const machine = await defineMachine(host, settings, embedded(input, 'ResourceSettings'));
          host.happens('__InstanceCreationEvent', shown.machines.system(machine));
          return { ResultingSystem: shown.machines.system(machine) };
        },
      }),
    'Msvm_VirtualSystemManagementService.DestroySystem': (_, input) =>
      work(host, {
        method: 'DestroySystem',
        act: () => {
          const machine = machineOf(host, oneObject(input, 'AffectedSystem'));
          destroyMachine(host, machine);
          host.happens('__InstanceDeletionEvent', shown.machines.system(machine));
          return {};
        },
      }),
    'Msvm_VirtualSystemManagementService.ModifySystemSettings': (_, input) =>
      work(host, {
        method: 'ModifySystemSettings',
        act: () => {
          const [settings] = embedded(input, 'SystemSettings');
          if (settings === undefined) throw problems.invalid('SystemSettings is missing');
          const snapshot = snapshotOf(host, settings);
          if (snapshot === undefined) {
            const machine = machineOf(host, settings);
            modifyMachine(host, machine, settings);
            host.happens('__InstanceModificationEvent', shown.settings(machine));
          } else snapshot.snapshot.settings = { ...snapshot.snapshot.settings, ElementName: textOfValue(settings, 'ElementName') };
          return {};
        },
      }),
    'Msvm_VirtualSystemManagementService.AddResourceSettings': (_, input) =>
      work(host, {
        method: 'AddResourceSettings',
        act: async () => {
          const machine = machineOf(host, oneObject(input, 'AffectedConfiguration'));
          const before = machine.devices;
          try {
            const added: CimObject[] = [];
            for (const given of embedded(input, 'ResourceSettings')) {
              const device = await addDevice(host, machine, given);
              const found = deviceObject(machine, machine.deviceId(device));
              if (found !== undefined) added.push(found);
            }
            return { ResultingResourceSettings: added };
          } catch (reason) {
            machine.devices = before;
            throw reason;
          }
        },
      }),
    'Msvm_VirtualSystemManagementService.ModifyResourceSettings': (_, input) =>
      work(host, {
        method: 'ModifyResourceSettings',
        act: async () => {
          const changed: CimObject[] = [];
          for (const given of embedded(input, 'ResourceSettings')) {
            const { machine, device } = existing(given);
            const found = deviceObject(machine, machine.deviceId(await modifyDevice(host, machine, device, given)));
            if (found !== undefined) changed.push(found);
          }
          return { ResultingResourceSettings: changed };
        },
      }),
    'Msvm_VirtualSystemManagementService.RemoveResourceSettings': (_, input) =>
      work(host, {
        method: 'RemoveResourceSettings',
        act: () => {
          for (const given of objects(input, 'ResourceSettings')) {
            const { machine, device } = existing(given);
            removeDevice(machine, device);
          }
          return {};
        },
      }),
    'Msvm_VirtualSystemManagementService.AddFeatureSettings': (_, input) =>
      work(host, {
        method: 'AddFeatureSettings',
        act: () => {
          const connection = oneObject(input, 'AffectedConfiguration');
          const machine = machineOf(host, connection);
          const id = textOfValue(connection, 'InstanceID') ?? '';
          const added = embedded(input, 'FeatureSettings').map(({ className, values }) => {
            const cimClass = host.words.classes.find(className);
            const key = `${id}\\${randomUUID().toUpperCase()}`;
            machine.features = new Map([
              ...machine.features,
              [key, { connection: id, className, values: cimClass === undefined ? values : typedValues(cimClass, values) }],
            ]);
            return key;
          });
          machine.writes += 1;
          return { ResultingFeatureSettings: shown.features(machine).filter(({ values }) => added.includes(String(values['InstanceID']))) };
        },
      }),
    'Msvm_VirtualSystemManagementService.RemoveFeatureSettings': (_, input) =>
      work(host, {
        method: 'RemoveFeatureSettings',
        act: () => {
          for (const feature of objects(input, 'FeatureSettings')) {
            const machine = machineOf(host, feature);
            machine.features = new Map([...machine.features].filter(([id]) => id !== textOfValue(feature, 'InstanceID')));
            machine.writes += 1;
          }
          return {};
        },
      }),
    'Msvm_VirtualSystemManagementService.GetVirtualSystemThumbnailImage': (_, input) => {
      const machine = machineOf(host, oneObject(input, 'TargetSystem'));
      const [width, height] = [Number(text(input, 'WidthPixels')), Number(text(input, 'HeightPixels'))];
      if (!(width > 0 && width <= 4096 && height > 0 && height <= 4096)) return { returnValue: codes.invalidParameter };
      return { returnValue: codes.done, values: { ImageData: thumbnail(width, height, machine.state === 'running') } };
    },
    'Msvm_VirtualSystemSnapshotService.CreateSnapshot': (_, input) =>
      work(host, {
        method: 'CreateSnapshot',
        isLong: true,
        act: () => {
          const machine = machineOf(host, oneObject(input, 'AffectedSystem'));
          return { ResultingSnapshot: shown.snapshot(machine, takeSnapshot(machine)) };
        },
      }),
    'Msvm_VirtualSystemSnapshotService.ApplySnapshot': (_, input) =>
      work(host, {
        method: 'ApplySnapshot',
        isLong: true,
        act: () => {
          const { machine, snapshot } = mustBeSnapshot(host, oneObject(input, 'Snapshot'));
          applySnapshot(machine, snapshot);
          return {};
        },
      }),
    'Msvm_VirtualSystemSnapshotService.DestroySnapshot': (_, input) =>
      work(host, {
        method: 'DestroySnapshot',
        isLong: true,
        act: () => {
          const { machine, snapshot } = mustBeSnapshot(host, oneObject(input, 'AffectedSnapshot'));
          destroySnapshot(machine, snapshot);
          return {};
        },
      }),
  };
}

function snapshotOf(host: Host, of: CimObject): { readonly machine: Machine; readonly snapshot: Snapshot } | undefined {
  const id = (textOfValue(of, 'InstanceID') ?? '').replace(/^Microsoft:/i, '').toUpperCase();
  for (const machine of host.machines.values())
    for (const snapshot of machine.snapshots) if (snapshot.id === id) return { machine, snapshot };
  return undefined;
}

function mustBeSnapshot(host: Host, of: CimObject) {
  const found = snapshotOf(host, of);
  if (found === undefined) throw new Refusal(codes.cim.invalidParameter, 'That is no checkpoint.');
  return found;
}
