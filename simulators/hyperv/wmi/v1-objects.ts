import { type CimObject, textOfValue } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { jobObject } from '../model/jobs.js';
import type { Machine, Snapshot } from '../model/machine.js';
import { type Switch, switchName } from '../model/switch.js';
import { machineOf } from './machine-methods.js';
import { MachineObjects } from './machine-objects.js';

type Associated = readonly (readonly [assocClass: string, other: CimObject])[];

/** What a setting is of. */
const settingTypes = { current: '3', snapshot: '5' };

/** `root\virtualization` as objects: the settings are in two parts, and a card is plugged into a port of a switch. */
export class V1Objects {
  readonly machines: MachineObjects;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.machines = new MachineObjects(host);
  }

  instances(isMeant: (className: string) => boolean): readonly CimObject[] {
    return this.#groups
      .filter(({ of }) => of.some(isMeant))
      .flatMap(({ objects }) => objects().filter(({ className }) => isMeant(className)));
  }

  readonly #groups: readonly { readonly of: readonly string[]; readonly objects: () => readonly CimObject[] }[] = [
    {
      of: ['Msvm_ComputerSystem'],
      objects: () => [this.machines.hostSystem(), ...this.#each((machine) => [this.machines.system(machine)])],
    },
    {
      of: ['Msvm_VirtualSystemSettingData'],
      objects: () => this.#each((machine) => [this.settings(machine), ...machine.snapshots.map((each) => this.snapshot(machine, each))]),
    },
    { of: ['Msvm_VirtualSystemGlobalSettingData'], objects: () => this.#each((machine) => [this.globalSettings(machine)]) },
    { of: partClasses, objects: () => this.#each((machine) => this.machines.devices(machine)) },
    { of: logicalClasses, objects: () => this.#each((machine) => this.machines.logical(machine)) },
    { of: ['Msvm_VirtualSwitch'], objects: () => [...this.#host.switches.values()].map((each) => this.switch(each)) },
    { of: ['Msvm_SwitchPort'], objects: () => [...this.#host.switches.values()].flatMap((each) => this.ports(each)) },
    { of: ['Msvm_ConcreteJob', 'Msvm_StorageJob'], objects: () => this.#host.jobs.all.map(jobObject) },
    { of: services, objects: () => services.map((name) => this.#service(name)) },
  ];

  settings({ settings, id, instanceId }: Machine): CimObject {
    const values = { ...settings, InstanceID: instanceId, SystemName: id, SettingType: settingTypes.current, VirtualSystemType: '1' };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  globalSettings({ settings, id, instanceId }: Machine): CimObject {
    const values = { ...settings, InstanceID: `${instanceId}\\Global`, SystemName: id, SettingType: settingTypes.current };
    return { className: 'Msvm_VirtualSystemGlobalSettingData', values };
  }

  snapshot({ id }: Machine, { id: own, settings, createdAt }: Snapshot): CimObject {
    const values = {
      ...settings,
      InstanceID: `Microsoft:${own}`,
      SystemName: id,
      SettingType: settingTypes.snapshot,
      CreationTime: new Date(createdAt).toISOString(),
    };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  switch(of: Switch): CimObject {
    const values = {
      ElementName: switchName(of),
      Name: of.id,
      CreationClassName: 'Msvm_VirtualSwitch',
      EnabledState: '5',
      HealthState: '5',
      OperationalStatus: ['2'],
      ScopeOfResidence: '',
      NumLearnableAddresses: '1024',
    };
    return { className: 'Msvm_VirtualSwitch', values };
  }

  ports({ id, ports }: Switch): readonly CimObject[] {
    return ports.map(({ className, values }) => ({
      className,
      values: { ...values, SystemName: id, SystemCreationClassName: 'Msvm_VirtualSwitch', CreationClassName: 'Msvm_SwitchPort' },
    }));
  }

  associated(of: CimObject): Associated {
    if (of.className === 'Msvm_VirtualSwitch') return this.#ofSwitch(of);
    const machine = machineOf(this.#host, of);
    if (of.className === 'Msvm_ComputerSystem')
      return [
        ['Msvm_SettingsDefineState', this.settings(machine)],
        ['Msvm_ElementSettingData', this.globalSettings(machine)],
        ...this.machines.logical(machine).map((each) => ['Msvm_SystemDevice', each] as const),
        ...machine.snapshots.map((each) => ['Msvm_ElementSettingData', this.snapshot(machine, each)] as const),
      ];
    if (of.className === 'Msvm_VirtualSystemSettingData')
      return [
        ['Msvm_SettingsDefineState', this.machines.system(machine)],
        ...this.machines.devices(machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
      ];
    return [['Msvm_VirtualSystemSettingDataComponent', this.settings(machine)]];
  }

  #ofSwitch(of: CimObject): Associated {
    const found = this.#host.switches.get((textOfValue(of, 'Name') ?? '').toUpperCase());
    return found === undefined ? [] : this.ports(found).map((each) => ['Msvm_HostedAccessPoint', each] as const);
  }

  #each(of: (machine: Machine) => readonly CimObject[]): readonly CimObject[] {
    return [...this.#host.machines.values()].flatMap(of);
  }

  #service(name: string): CimObject {
    const values = {
      Name: name.replace(/^Msvm_/, ''),
      ElementName: name.replace(/^Msvm_/, ''),
      CreationClassName: name,
      SystemCreationClassName: 'Msvm_ComputerSystem',
      SystemName: this.#host.options.server,
      EnabledState: '2',
      HealthState: '5',
      OperationalStatus: ['2'],
      Started: 'true',
      StartMode: 'Automatic',
    };
    return { className: name, values };
  }
}

const partClasses = [
  'Msvm_ProcessorSettingData',
  'Msvm_MemorySettingData',
  'Msvm_ResourceAllocationSettingData',
  'Msvm_SyntheticEthernetPortSettingData',
];
const logicalClasses = ['Msvm_Keyboard', 'Msvm_ShutdownComponent', 'Msvm_HeartbeatComponent', 'Msvm_KvpExchangeComponent'];
const services = ['Msvm_VirtualSystemManagementService', 'Msvm_VirtualSwitchManagementService', 'Msvm_ImageManagementService'];
