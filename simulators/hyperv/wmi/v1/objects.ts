import type { CimObject, Values } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine, Snapshot } from '../../model/machine.js';
import { machineOf } from '../machine-methods.js';
import { MachineObjects } from '../machine-objects.js';
import { type Associated, affectedBy, affecting, chosen, commonGroups, type Group, ofEach } from '../objects.js';
import { putVlan } from './puts.js';
import { SwitchObjects } from './switch-objects.js';
import { WiringObjects } from './wiring-objects.js';

/** What a setting is of. */
const settingTypes = { current: '3', snapshot: '5' };

/** `root\virtualization` as objects: the settings are in two parts, and a card is plugged into a port of a switch. */
export class V1Objects {
  readonly machines: MachineObjects;
  readonly switches: SwitchObjects;
  readonly wiring: WiringObjects;
  readonly services = services;
  readonly logicalClasses = logicalClasses;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.machines = new MachineObjects(host);
    this.switches = new SwitchObjects(host);
    this.wiring = new WiringObjects(host, this.switches);
  }

  readonly put = (target: CimObject, given: Values): boolean => putVlan(this.#host, target, given);

  instances(isMeant: (className: string) => boolean): readonly CimObject[] {
    return chosen([...commonGroups(this.#host, this), ...this.switches.groups, ...this.wiring.groups, ...this.#groups], isMeant);
  }

  get #groups(): readonly Group[] {
    return [
      {
        of: ['Msvm_VirtualSystemGlobalSettingData'],
        objects: () => ofEach(this.#host, (machine) => [this.globalSettings(machine)]),
      },
      {
        of: partClasses,
        objects: () => ofEach(this.#host, (machine) => [...this.machines.devices(machine), ...this.#snapshotDevices(machine)]),
      },
    ];
  }

  #snapshotDevices(machine: Machine): readonly CimObject[] {
    return machine.snapshots.flatMap(({ id, devices }) => this.machines.devices(machine, devices, `Microsoft:${id}`));
  }

  #parent(id: string | undefined): Values {
    const values = { InstanceID: `Microsoft:${id}` };
    return id === undefined ? {} : { Parent: this.#host.path({ className: 'Msvm_VirtualSystemSettingData', values }) };
  }

  settings({ settings, id, instanceId, lastSnapshot }: Machine): CimObject {
    const is = { InstanceID: instanceId, SystemName: id, SettingType: settingTypes.current, VirtualSystemType: '1' };
    const values = { ...settings, ...is, ...this.#parent(lastSnapshot) };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  globalSettings({ settings, id, instanceId }: Machine): CimObject {
    const values = { ...settings, InstanceID: `${instanceId}\\Global`, SystemName: id, SettingType: settingTypes.current };
    return { className: 'Msvm_VirtualSystemGlobalSettingData', values };
  }

  snapshot({ id }: Machine, { id: own, parent, settings, createdAt }: Snapshot): CimObject {
    const values = {
      ...settings,
      InstanceID: `Microsoft:${own}`,
      SystemName: id,
      SettingType: settingTypes.snapshot,
      CreationTime: new Date(createdAt).toISOString(),
      ...this.#parent(parent),
    };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  associated(of: CimObject): Associated {
    if (of.className === 'Msvm_VirtualSwitch') return this.switches.associated(of);
    if (wiringClasses.test(of.className)) return this.wiring.associated(of);
    const ofJob = affectedBy(this.#host, this.machines, of);
    if (ofJob !== undefined) return ofJob;
    const machine = machineOf(this.#host, of);
    if (of.className === 'Msvm_ComputerSystem') return this.#ofSystem(machine);
    if (of.className === 'Msvm_VirtualSystemSettingData') return this.#ofSettings(machine);
    return [['Msvm_VirtualSystemSettingDataComponent', this.settings(machine)]];
  }

  #ofSystem(machine: Machine): Associated {
    return [
      ['Msvm_SettingsDefineState', this.settings(machine)],
      ['Msvm_ElementSettingData', this.globalSettings(machine)],
      ...this.machines.logical(machine).map((each) => ['Msvm_SystemDevice', each] as const),
      ...affecting(this.#host, machine),
      ...machine.snapshots.map((each) => ['Msvm_ElementSettingData', this.snapshot(machine, each)] as const),
    ];
  }

  #ofSettings(machine: Machine): Associated {
    return [
      ['Msvm_SettingsDefineState', this.machines.system(machine)],
      ...this.machines.devices(machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
    ];
  }
}

const wiringClasses = /^Msvm_(SwitchPort|(External|Internal)EthernetPort|SwitchLANEndpoint|VLANEndpoint(SettingData)?)$/;

const partClasses = [
  'Msvm_ProcessorSettingData',
  'Msvm_MemorySettingData',
  'Msvm_ResourceAllocationSettingData',
  'Msvm_SyntheticEthernetPortSettingData',
];
const logicalClasses = ['Msvm_Keyboard', 'Msvm_ShutdownComponent', 'Msvm_HeartbeatComponent', 'Msvm_KvpExchangeComponent'];
const services = ['Msvm_VirtualSystemManagementService', 'Msvm_VirtualSwitchManagementService', 'Msvm_ImageManagementService'];
