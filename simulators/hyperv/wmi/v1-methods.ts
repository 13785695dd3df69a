import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import { renderEmbedded } from '../cim/embedded.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { NewImage } from '../disks/store.js';
import { defineMachine, destroyMachine, modifyMachine } from '../model/definitions.js';
import type { Host } from '../model/host.js';
import type { Machine } from '../model/machine.js';
import { type Power, userOf } from '../model/power.js';
import { addDevice, modifyDevice, removeDevice } from '../model/resources.js';
import { applySnapshot, destroySnapshot, takeSnapshot } from '../model/snapshots.js';
import { newSwitch } from '../model/switch.js';
import { commonMethods, machineOf } from './machine-methods.js';
import { embedded, type Methods, objects, oneObject, text, work } from './methods.js';
import type { V1Objects } from './v1-objects.js';

const service = 'Msvm_VirtualSystemManagementService';

/** The methods of version 1: other names for much the same. */
export function v1Methods(host: Host, power: Power, shown: V1Objects): Methods {
  const deviceObjects = (machine: Machine, ids: readonly string[]) =>
    shown.machines.devices(machine).filter(({ values }) => ids.includes(String(values['InstanceID'])));
  const existing = (machine: Machine, of: CimObject) => {
    const device = machine.device(textOfValue(of, 'InstanceID') ?? '');
    if (device === undefined) throw new Refusal(codes.invalidParameter, 'The resource is not part of the virtual machine.');
    return device;
  };
  const snapshot = (of: CimObject) => {
    const machine = machineOf(host, { className: '', values: { Name: textOfValue(of, 'SystemName') } });
    const found = machine.snapshots.find(({ id }) => `Microsoft:${id}` === textOfValue(of, 'InstanceID'));
    if (found === undefined) throw new Refusal(codes.invalidParameter, 'That is no snapshot.');
    return { machine, found };
  };
  return {
    ...commonMethods(host, power),
    ...switchMethods(host, shown),
    ...imageMethods(host),
    [`${service}.DefineVirtualSystem`]: (_, input) =>
      work(host, {
        method: 'DefineVirtualSystem',
        act: async () => {
          const [settings = { className: 'Msvm_VirtualSystemGlobalSettingData', values: {} }] = embedded(input, 'SystemSettingData');
          const machine = await defineMachine(host, settings, embedded(input, 'ResourceSettingData'));
          return { DefinedSystem: shown.machines.system(machine) };
        },
      }),
    [`${service}.DestroyVirtualSystem`]: (_, input) =>
      work(host, {
        method: 'DestroyVirtualSystem',
        isLong: true,
        act: () => {
          destroyMachine(host, machineOf(host, oneObject(input, 'ComputerSystem')));
          return {};
        },
      }),
    [`${service}.ModifyVirtualSystem`]: (_, input) =>
      work(host, {
        method: 'ModifyVirtualSystem',
        act: () => {
          const machine = machineOf(host, oneObject(input, 'ComputerSystem'));
          for (const settings of embedded(input, 'SystemSettingData')) modifyMachine(host, machine, settings);
          return {};
        },
      }),
    [`${service}.AddVirtualSystemResources`]: (_, input) =>
      work(host, {
        method: 'AddVirtualSystemResources',
        act: async () => {
          const machine = machineOf(host, oneObject(input, 'TargetSystem'));
          const before = machine.devices;
          try {
            const added: string[] = [];
            for (const given of embedded(input, 'ResourceSettingData')) added.push(machine.deviceId(await addDevice(host, machine, given)));
            return { NewResources: deviceObjects(machine, added) };
          } catch (reason) {
            machine.devices = before;
            throw reason;
          }
        },
      }),
    [`${service}.ModifyVirtualSystemResources`]: (_, input) =>
      work(host, {
        method: 'ModifyVirtualSystemResources',
        act: async () => {
          const machine = machineOf(host, oneObject(input, 'ComputerSystem'));
          for (const given of embedded(input, 'ResourceSettingData')) await modifyDevice(host, machine, existing(machine, given), given);
          return {};
        },
      }),
    [`${service}.RemoveVirtualSystemResources`]: (_, input) =>
      work(host, {
        method: 'RemoveVirtualSystemResources',
        act: () => {
          const machine = machineOf(host, oneObject(input, 'TargetSystem'));
          for (const given of objects(input, 'ResourceSettingData')) removeDevice(machine, existing(machine, given));
          return {};
        },
      }),
    [`${service}.CreateVirtualSystemSnapshot`]: (_, input) =>
      work(host, {
        method: 'CreateVirtualSystemSnapshot',
        isLong: true,
        act: () => {
          const machine = machineOf(host, oneObject(input, 'SourceSystem'));
          return { SnapshotSettingData: shown.snapshot(machine, takeSnapshot(machine)) };
        },
      }),
    [`${service}.ApplyVirtualSystemSnapshot`]: (_, input) =>
      work(host, {
        method: 'ApplyVirtualSystemSnapshot',
        isLong: true,
        act: () => {
          const { machine, found } = snapshot(oneObject(input, 'SnapshotSettingData'));
          applySnapshot(machine, found);
          return {};
        },
      }),
    [`${service}.RemoveVirtualSystemSnapshot`]: (_, input) =>
      work(host, {
        method: 'RemoveVirtualSystemSnapshot',
        isLong: true,
        act: () => {
          const { machine, found } = snapshot(oneObject(input, 'SnapshotSettingData'));
          destroySnapshot(machine, found);
          return {};
        },
      }),
  };
}

function switchMethods(host: Host, shown: V1Objects): Methods {
  return {
    'Msvm_VirtualSwitchManagementService.CreateSwitch': (_, input) =>
      work(host, {
        method: 'CreateSwitch',
        act: () => {
          const made = newSwitch({ ElementName: text(input, 'FriendlyName') });
          host.switches.set(made.id, made);
          return { CreatedVirtualSwitch: shown.switch(made) };
        },
      }),
    'Msvm_VirtualSwitchManagementService.DeleteSwitch': (_, input) =>
      work(host, {
        method: 'DeleteSwitch',
        act: () => {
          host.switches.delete((textOfValue(oneObject(input, 'VirtualSwitch'), 'Name') ?? '').toUpperCase());
          return {};
        },
      }),
    'Msvm_VirtualSwitchManagementService.CreateSwitchPort': (_, input) =>
      work(host, {
        method: 'CreateSwitchPort',
        act: () => {
          const found = host.switches.get((textOfValue(oneObject(input, 'VirtualSwitch'), 'Name') ?? '').toUpperCase());
          if (found === undefined) throw new Refusal(codes.invalidParameter, 'There is no such switch.');
          const values = {
            Name: text(input, 'Name') || randomUUID().toUpperCase(),
            ElementName: text(input, 'FriendlyName'),
            EnabledState: '2',
          };
          found.ports = [...found.ports, { className: 'Msvm_SwitchPort', suffix: '', values }];
          return { CreatedSwitchPort: shown.ports(found).find((each) => each.values['Name'] === values.Name) };
        },
      }),
  };
}

const images = 'Msvm_ImageManagementService';

function imageMethods(host: Host): Methods {
  const { store } = host.options;
  const create = (method: string, type: NewImage['type']): Methods => ({
    [`${images}.${method}`]: (_, input) =>
      work(host, {
        method,
        className: 'Msvm_StorageJob',
        isLong: true,
        act: async () => {
          const [path, parent] = [text(input, 'Path'), text(input, 'ParentPath')];
          if (!/\.vhd$/i.test(path))
            throw new Refusal(codes.invalidParameter, `'${path}' is no VHD, which is all that this version knows.`);
          const size = type === 'Differencing' ? 0 : Number(text(input, 'MaxInternalSize'));
          await store.create(path, { format: 'VHD', type, sizeBytes: size, ...(type === 'Differencing' ? { parent } : {}) });
          return {};
        },
      }),
  });
  return {
    ...create('CreateDynamicVirtualHardDisk', 'Dynamic'),
    ...create('CreateFixedVirtualHardDisk', 'Fixed'),
    ...create('CreateDifferencingVirtualHardDisk', 'Differencing'),
    [`${images}.ExpandVirtualHardDisk`]: (_, input) =>
      work(host, {
        method: 'ExpandVirtualHardDisk',
        className: 'Msvm_StorageJob',
        isLong: true,
        act: async () => {
          const path = text(input, 'Path');
          if (userOf(host, path) !== undefined) throw new Refusal(codes.inUse, `'${path}' is in use.`);
          await store.resize(path, Number(text(input, 'MaxInternalSize')));
          return {};
        },
      }),
    [`${images}.GetVirtualHardDiskInfo`]: (_, input) =>
      work(host, {
        method: 'GetVirtualHardDiskInfo',
        act: async () => {
          const path = text(input, 'Path');
          const [image, file] = [await store.image(path), await store.file(path)];
          const types = { Fixed: '2', Dynamic: '3', Differencing: '4' };
          const values = {
            FileSize: String(file?.allocatedBytes ?? 0),
            InSavedState: 'false',
            InUse: String(userOf(host, path) !== undefined),
            MaxInternalSize: String(image.sizeBytes),
            ParentPath: image.parent ?? '',
            Type: types[image.type],
          };
          return { Info: renderEmbedded('Msvm_VirtualHardDiskInfo', values) };
        },
      }),
  };
}
