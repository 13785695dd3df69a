import type { CimObject, Values } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine, Snapshot } from '../../model/machine.js';
import { MachineObjects } from '../machine-objects.js';
import { type Associated, chosen, commonGroups, type Group, ofEach } from '../objects.js';
import { associatedWith } from './associations.js';
import { SwitchObjects } from './switch-objects.js';
import { templates } from './templates.js';

/** `root\virtualization\v2` as objects. */
export class V2Objects {
  readonly machines: MachineObjects;
  readonly switches: SwitchObjects;
  readonly services = services;
  readonly logicalClasses = logicalClasses;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.machines = new MachineObjects(host);
    this.switches = new SwitchObjects(host);
  }

  instances(isMeant: (className: string) => boolean): readonly CimObject[] {
    return chosen([...commonGroups(this.#host, this), ...this.switches.groups, ...this.#groups], isMeant);
  }

  associated(of: CimObject): Associated {
    return associatedWith(this.#host, this, of);
  }

  get #groups(): readonly Group[] {
    const host = this.#host;
    const parts = (machine: Machine) => [
      ...this.machines.devices(machine),
      ...machine.snapshots.flatMap((each) => this.snapshotDevices(each, machine)),
    ];
    return [
      { of: partClasses, objects: () => [...ofEach(host, parts), ...templates] },
      { of: ['Msvm_EthernetSwitchPortVlanSettingData'], objects: () => ofEach(host, (machine) => this.features(machine)) },
      { of: ['Msvm_GuestNetworkAdapterConfiguration'], objects: () => ofEach(host, (machine) => this.addresses(machine)) },
    ];
  }

  settings({ settings, id, instanceId, state, lastSnapshot }: Machine): CimObject {
    const parent = lastSnapshot === undefined ? {} : { Parent: this.#snapshotPath(lastSnapshot) };
    const values: Values = {
      Caption: 'Virtual Machine Settings',
      Description: 'Active settings for the virtual machine.',
      ...settings,
      InstanceID: instanceId,
      VirtualSystemIdentifier: id,
      VirtualSystemType: 'Microsoft:Hyper-V:System:Realized',
      ConfigurationID: id,
      ConfigurationFile: `Virtual Machines\\${id}.vmcx`,
      IsSaved: String(state === 'saved'),
      ...parent,
    };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  snapshot({ id }: Machine, { id: own, parent, settings, hasMemory, createdAt }: Snapshot): CimObject {
    const values: Values = {
      Caption: 'Virtual Machine Settings',
      Description: 'Checkpoint settings for the virtual machine.',
      ...settings,
      CreationTime: new Date(createdAt).toISOString(),
      InstanceID: `Microsoft:${own}`,
      VirtualSystemIdentifier: id,
      VirtualSystemType: 'Microsoft:Hyper-V:Snapshot:Realized',
      ConfigurationID: own,
      IsSaved: String(hasMemory),
      ...(parent === undefined ? {} : { Parent: this.#snapshotPath(parent) }),
    };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  features({ features }: Machine): readonly CimObject[] {
    return [...features].map(([id, { className, values }]) => ({ className, values: { ...values, InstanceID: id } }));
  }

  snapshotDevices(snapshot: Snapshot, machine: Machine): readonly CimObject[] {
    return this.machines.devices(machine, snapshot.devices, `Microsoft:${snapshot.id}`);
  }

  #snapshotPath(id: string): string {
    return this.#host.path({ className: 'Msvm_VirtualSystemSettingData', values: { InstanceID: `Microsoft:${id}` } });
  }

  /** What the integration services of a running guest say of each card. */
  addresses(machine: Machine): readonly CimObject[] {
    if (machine.state !== 'running' || !machine.guest.integration) return [];
    return this.machines.cards(machine).map((card) => {
      const addresses = machine.guest.addresses[String(card.values['Address'] ?? '').toUpperCase()] ?? [];
      const values = {
        InstanceID: `Microsoft:GuestNetwork\\${machine.id}${card.suffix}`,
        ProtocolIFType: '4098',
        DHCPEnabled: 'true',
        IPAddresses: addresses,
        Subnets: addresses.map((each) => (each.includes(':') ? '/64' : '255.255.255.0')),
        DefaultGateways: [],
        DNSServers: [],
      };
      return { className: 'Msvm_GuestNetworkAdapterConfiguration', values };
    });
  }
}

const partClasses = [
  'Msvm_ProcessorSettingData',
  'Msvm_MemorySettingData',
  'Msvm_ResourceAllocationSettingData',
  'Msvm_StorageAllocationSettingData',
  'Msvm_SerialPortSettingData',
  'Msvm_SyntheticEthernetPortSettingData',
  'Msvm_EmulatedEthernetPortSettingData',
  'Msvm_EthernetPortAllocationSettingData',
];

const logicalClasses = [
  'Msvm_Keyboard',
  'Msvm_ShutdownComponent',
  'Msvm_HeartbeatComponent',
  'Msvm_KvpExchangeComponent',
  'Msvm_SyntheticDisplayController',
  'Msvm_S3DisplayController',
  'Msvm_VideoHead',
];

const services = [
  'Msvm_VirtualSystemManagementService',
  'Msvm_VirtualSystemSnapshotService',
  'Msvm_ImageManagementService',
  'Msvm_VirtualEthernetSwitchManagementService',
];
