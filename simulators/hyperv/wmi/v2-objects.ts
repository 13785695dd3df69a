import { type CimObject, textOfValue, type Values } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { jobObject } from '../model/jobs.js';
import type { Machine, Snapshot } from '../model/machine.js';
import { type Switch, switchName } from '../model/switch.js';
import { machineOf } from './machine-methods.js';
import { MachineObjects } from './machine-objects.js';

type Associated = readonly (readonly [assocClass: string, other: CimObject])[];

/** `root\virtualization\v2` as objects. */
export class V2Objects {
  readonly machines: MachineObjects;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.machines = new MachineObjects(host);
  }

  /** Of these classes, only what is asked for is made. */
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
    {
      of: partClasses,
      objects: () => [
        ...this.#each((machine) => [
          ...this.machines.devices(machine),
          ...machine.snapshots.flatMap((each) => this.#snapshotDevices(each, machine)),
        ]),
        ...[...this.#host.switches.values()].flatMap((each) => this.ports(each)),
        ...templates,
      ],
    },
    { of: logicalClasses, objects: () => this.#each((machine) => this.machines.logical(machine)) },
    { of: ['Msvm_EthernetSwitchPortVlanSettingData'], objects: () => this.#each((machine) => this.features(machine)) },
    { of: ['Msvm_GuestNetworkAdapterConfiguration'], objects: () => this.#each((machine) => this.#addresses(machine)) },
    { of: ['Msvm_VirtualEthernetSwitch'], objects: () => [...this.#host.switches.values()].map((each) => this.switch(each)) },
    {
      of: ['Msvm_VirtualEthernetSwitchSettingData'],
      objects: () => [...this.#host.switches.values()].map((each) => this.switchSettings(each)),
    },
    { of: ['Msvm_ExternalEthernetPort'], objects: () => this.#host.adapters.map(({ id }) => this.adapter(id)) },
    { of: ['Msvm_ConcreteJob', 'Msvm_StorageJob'], objects: () => this.#host.jobs.all.map(jobObject) },
    { of: services, objects: () => services.map((name) => this.#service(name)) },
    { of: ['Msvm_VirtualSystemManagementServiceSettingData'], objects: () => [this.#serviceSettings()] },
  ];

  #each(of: (machine: Machine) => readonly CimObject[]): readonly CimObject[] {
    return [...this.#host.machines.values()].flatMap(of);
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

  snapshot({ id }: Machine, { id: own, parent, settings, createdAt }: Snapshot): CimObject {
    const values: Values = {
      Caption: 'Virtual Machine Settings',
      Description: 'Checkpoint settings for the virtual machine.',
      ...settings,
      CreationTime: new Date(createdAt).toISOString(),
      InstanceID: `Microsoft:${own}`,
      VirtualSystemIdentifier: id,
      VirtualSystemType: 'Microsoft:Hyper-V:Snapshot:Realized',
      ConfigurationID: own,
      ...(parent === undefined ? {} : { Parent: this.#snapshotPath(parent) }),
    };
    return { className: 'Msvm_VirtualSystemSettingData', values };
  }

  switch(of: Switch): CimObject {
    const values = {
      Caption: 'Virtual Switch',
      Description: 'Microsoft Virtual Switch',
      ElementName: switchName(of),
      Name: of.id,
      CreationClassName: 'Msvm_VirtualEthernetSwitch',
      OperationalStatus: ['2'],
      HealthState: '5',
      EnabledState: '5',
      RequestedState: '12',
      EnabledDefault: '2',
      MaxIOVOffloads: '0',
    };
    return { className: 'Msvm_VirtualEthernetSwitch', values };
  }

  switchSettings({ id, settings }: Switch): CimObject {
    const values = {
      ...settings,
      InstanceID: `Microsoft:${id}`,
      VirtualSystemIdentifier: id,
      VirtualSystemType: 'DMTF:Virtual Ethernet Switch',
    };
    return { className: 'Msvm_VirtualEthernetSwitchSettingData', values };
  }

  ports({ id, ports }: Switch): readonly CimObject[] {
    return ports.map(({ className, suffix, values }) => ({ className, values: { ...values, InstanceID: `Microsoft:${id}${suffix}` } }));
  }

  adapter(id: string): CimObject {
    const { name, mac } = this.#host.adapters.find((each) => each.id === id) ?? { name: '', mac: '' };
    const isBound = [...this.#host.switches.values()].some(({ ports }) =>
      ports.some(({ values }) => String(values['HostResource']).includes(id)),
    );
    const values = {
      ElementName: name,
      Name: name,
      DeviceID: `Microsoft:{${id}}`,
      CreationClassName: 'Msvm_ExternalEthernetPort',
      SystemCreationClassName: 'Msvm_ComputerSystem',
      SystemName: this.#host.options.server,
      PermanentAddress: mac,
      EnabledState: '2',
      HealthState: '5',
      OperationalStatus: ['2'],
      IsBound: String(isBound),
    };
    return { className: 'Msvm_ExternalEthernetPort', values };
  }

  features({ features }: Machine): readonly CimObject[] {
    return [...features].map(([id, { className, values }]) => ({ className, values: { ...values, InstanceID: id } }));
  }

  associated(of: CimObject): Associated {
    if (of.className === 'Msvm_VirtualEthernetSwitch' || of.className === 'Msvm_VirtualEthernetSwitchSettingData')
      return this.#ofSwitch(of);
    const isDisplay = /DisplayController$/.test(of.className);
    if (isDisplay) return this.#logical(of, 'Msvm_VideoHead').map((each) => ['Msvm_VideoHeadOnController', each]);
    const snapshot = this.#snapshotOf(of);
    if (snapshot !== undefined) return this.#ofSnapshot(snapshot.machine, snapshot.snapshot);
    const machine = machineOf(this.#host, of);
    if (of.className === 'Msvm_ComputerSystem') return this.#ofSystem(machine);
    if (of.className === 'Msvm_VirtualSystemSettingData') return this.#ofSettings(machine);
    return this.#ofDevice(machine, of);
  }

  #ofSystem(machine: Machine): Associated {
    const snapshots = machine.snapshots.map((each) => ['Msvm_SnapshotOfVirtualSystem', this.snapshot(machine, each)] as const);
    const last = machine.snapshots.find(({ id }) => id === machine.lastSnapshot);
    return [
      ['Msvm_SettingsDefineState', this.settings(machine)],
      ...this.machines.logical(machine).map((each) => ['Msvm_SystemDevice', each] as const),
      ...snapshots,
      ...(last === undefined ? [] : [['Msvm_MostCurrentSnapshotInBranch', this.snapshot(machine, last)] as const]),
    ];
  }

  #ofSettings(machine: Machine): Associated {
    return [
      ['Msvm_SettingsDefineState', this.machines.system(machine)],
      ...this.machines.devices(machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
    ];
  }

  #ofSnapshot(machine: Machine, snapshot: Snapshot): Associated {
    return [
      ['Msvm_SnapshotOfVirtualSystem', this.machines.system(machine)],
      ...this.#snapshotDevices(snapshot, machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
    ];
  }

  #ofDevice(machine: Machine, of: CimObject): Associated {
    const id = textOfValue(of, 'InstanceID') ?? '';
    const connected = [...machine.features]
      .filter(([, { connection }]) => connection.toLowerCase() === id.toLowerCase())
      .map(([key]) => key);
    const features = this.features(machine).filter((each) => connected.includes(String(each.values['InstanceID'])));
    const addresses = this.#addresses(machine).filter((each) => String(each.values['InstanceID']).includes(id.slice(id.indexOf('\\'))));
    return [
      ['Msvm_VirtualSystemSettingDataComponent', this.settings(machine)],
      ...features.map((each) => ['Msvm_EthernetPortSettingDataComponent', each] as const),
      ...addresses.map((each) => ['Msvm_SettingDataComponent', each] as const),
    ];
  }

  #ofSwitch(of: CimObject): Associated {
    const id = (textOfValue(of, 'VirtualSystemIdentifier') ?? textOfValue(of, 'Name') ?? '').toUpperCase();
    const found = this.#host.switches.get(id);
    if (found === undefined) return [];
    if (of.className === 'Msvm_VirtualEthernetSwitch') return [['Msvm_SettingsDefineState', this.switchSettings(found)]];
    const ports = this.ports(found).map((each) => ['Msvm_VirtualEthernetSwitchSettingDataComponent', each] as const);
    return [['Msvm_SettingsDefineState', this.switch(found)], ...ports];
  }

  #snapshotOf(of: CimObject): { readonly machine: Machine; readonly snapshot: Snapshot } | undefined {
    const id = /^Microsoft:([0-9A-F-]{36})$/i.exec(textOfValue(of, 'InstanceID') ?? '')?.[1]?.toUpperCase();
    for (const machine of this.#host.machines.values())
      for (const snapshot of machine.snapshots) if (snapshot.id === id) return { machine, snapshot };
    return undefined;
  }

  #snapshotDevices(snapshot: Snapshot, machine: Machine): readonly CimObject[] {
    return this.machines.devices(machine, snapshot.devices, `Microsoft:${snapshot.id}`);
  }

  #snapshotPath(id: string): string {
    return this.#host.path({ className: 'Msvm_VirtualSystemSettingData', values: { InstanceID: `Microsoft:${id}` } });
  }

  #logical(of: CimObject, className: string): readonly CimObject[] {
    return this.machines.logical(machineOf(this.#host, of)).filter((each) => each.className === className);
  }

  /** What the integration services of a running guest say of each card. */
  #addresses(machine: Machine): readonly CimObject[] {
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

  #serviceSettings(): CimObject {
    const values = {
      InstanceID: `Microsoft:${this.#host.options.server}`,
      DefaultExternalDataRoot: 'C:\\ProgramData\\Microsoft\\Windows\\Hyper-V',
      DefaultVirtualHardDiskPath: 'C:\\Hyper-V\\Virtual Hard Disks',
      MinimumMacAddress: '00155D000000',
      MaximumMacAddress: '00155D00FFFF',
      NumaSpanningEnabled: 'true',
    };
    return { className: 'Msvm_VirtualSystemManagementServiceSettingData', values };
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

/** From which clients learn defaults and bounds: `InstanceID LIKE 'Microsoft:Definition%Maximum'`. */
const templates: readonly CimObject[] = [
  template('Msvm_ProcessorSettingData', '3', 'Processor', 'B637F347-6A0E-4DEC-AF52-BD70CB80A21D', {
    Maximum: '64',
    Minimum: '1',
    Default: '1',
  }),
  template('Msvm_MemorySettingData', '4', 'Memory', '4764334E-E001-4176-82EE-5594EC9B530E', {
    Maximum: '1048576',
    Minimum: '32',
    Default: '1024',
  }),
  template('Msvm_ResourceAllocationSettingData', '17', 'Physical Disk Drive', '118C3BE5-0D31-4804-85F0-5C6074ABEA8F', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '17', 'Synthetic Disk Drive', '118C3BE5-0D31-4804-85F0-5C6074ABEA8E', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '16', 'Synthetic DVD Drive', '70BB60D2-A9D3-46AA-B654-3DE53004B4F8', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '6', 'Synthetic SCSI Controller', 'BA6163D9-04A1-4D29-B605-72E2FFB1DC7F', {
    Default: '1',
  }),
  template('Msvm_StorageAllocationSettingData', '31', 'Virtual Hard Disk', '70BB60D2-A9D3-46AA-B654-3DE53004B4F9', { Default: '1' }),
  template('Msvm_SyntheticEthernetPortSettingData', '10', 'Synthetic Ethernet Port', 'F8615163-DF3E-46C5-913F-F2D2F965ED0E', {
    Default: '1',
  }),
  template('Msvm_EthernetPortAllocationSettingData', '33', 'Ethernet Connection', '72027ECE-E44A-446E-AF2B-8D8C4B8A2279', { Default: '1' }),
].flat();

function template(
  className: string,
  type: string,
  name: string,
  guid: string,
  bounds: Readonly<Record<string, string>>,
): readonly CimObject[] {
  return Object.entries(bounds).map(([bound, quantity]) => ({
    className,
    values: {
      InstanceID: `Microsoft:Definition\\${guid}\\${bound}`,
      ElementName: name,
      ResourceType: type,
      ResourceSubType: `Microsoft:Hyper-V:${name}`,
      VirtualQuantity: quantity,
      // An array that is there, with one element, as libvirt's client reads the first without a look.
      ...(name === 'Physical Disk Drive'
        ? {
            HostResource: [
              `\\\\HOST\\root\\virtualization\\v2:Msvm_DiskDrive.CreationClassName="Msvm_DiskDrive",DeviceID="Microsoft:NODRIVE"`,
            ],
          }
        : {}),
    },
  }));
}
