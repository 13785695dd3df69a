import { wmiClass } from './class.js';
import { datetime, flag, list, required, text, uint16, uint32, uint64 } from './property.js';

const key = required(text);
const system = ['CreationClassName', 'Name'];
const service = ['CreationClassName', 'Name', 'SystemCreationClassName', 'SystemName'];
const device = ['CreationClassName', 'DeviceID', 'SystemCreationClassName', 'SystemName'];

/** A machine, or the host itself. `Name` is a GUID of the host's choice. */
export const computerSystem = wmiClass({
  name: 'Msvm_ComputerSystem',
  keys: system,
  common: {
    Name: key,
    ElementName: text,
    EnabledState: uint16,
    HealthState: uint16,
    OperationalStatus: list(uint16),
    OnTimeInMilliseconds: uint64,
    TimeOfLastStateChange: datetime,
    ProcessID: uint32,
  },
  v2: { InstanceID: text, OtherEnabledState: text, NumberOfNumaNodes: uint16 },
});

/** How a machine is set up; of a checkpoint, how it was. */
export const systemSettings = wmiClass({
  name: 'Msvm_VirtualSystemSettingData',
  common: {
    InstanceID: key,
    ElementName: text,
    CreationTime: datetime,
    BIOSGUID: text,
    BIOSSerialNumber: text,
    Parent: text,
    BootOrder: list(uint16),
  },
  v1: { SystemName: text, SettingType: uint16, Notes: text },
  v2: {
    VirtualSystemIdentifier: text,
    VirtualSystemType: text,
    VirtualSystemSubType: text,
    Notes: list(text),
    AutomaticStartupAction: uint16,
    AutomaticShutdownAction: uint16,
    SecureBootEnabled: flag,
    IsSaved: flag,
    BootSourceOrder: list(text),
    Version: text,
  },
});

/** The other half of that in version 1, where nothing but this is given when a machine is defined. */
export const globalSettings = wmiClass({
  name: 'Msvm_VirtualSystemGlobalSettingData',
  common: {},
  v1: {
    InstanceID: key,
    SystemName: text,
    ElementName: text,
    ExternalDataRoot: text,
    SnapshotDataRoot: text,
    AutomaticStartupAction: uint16,
    AutomaticShutdownAction: uint16,
  },
});

const allocation = {
  InstanceID: key,
  ElementName: text,
  ResourceType: uint16,
  ResourceSubType: text,
  VirtualQuantity: uint64,
  Reservation: uint64,
  Limit: uint64,
  Weight: uint32,
  Parent: text,
  HostResource: list(text),
  Connection: list(text),
  Address: text,
} as const;

export const processor = wmiClass({ name: 'Msvm_ProcessorSettingData', common: allocation });
/** Quantities in MiB. Of version 1 only Server 2008 R2 SP1 has dynamic memory. */
const dynamic = { DynamicMemoryEnabled: flag, TargetMemoryBuffer: uint32 } as const;
export const memory = wmiClass({ name: 'Msvm_MemorySettingData', common: allocation, v1: dynamic, v2: dynamic });
/** Controllers, drives and all else that has no class of its own. */
export const resource = wmiClass({ name: 'Msvm_ResourceAllocationSettingData', common: allocation, v2: { AddressOnParent: text } });
/** What is in a drive; in version 1 it is a resource like any other. */
export const image = wmiClass({
  name: { v1: 'Msvm_ResourceAllocationSettingData', v2: 'Msvm_StorageAllocationSettingData' },
  common: allocation,
  v2: { AddressOnParent: text },
});
/** A COM port. `Connection` is the pipe of the host's that it ends in; in version 1 it is a resource like any other. */
export const serialPort = wmiClass({
  name: { v1: 'Msvm_ResourceAllocationSettingData', v2: 'Msvm_SerialPortSettingData' },
  common: allocation,
});
/** A network card. `Address` is 12 digits without colons. */
export const card = wmiClass({
  name: 'Msvm_SyntheticEthernetPortSettingData',
  common: { ...allocation, StaticMacAddress: flag, VirtualSystemIdentifiers: list(text) },
});
/** How a card is plugged into a switch; of version 2 alone. */
export const connection = wmiClass({
  name: 'Msvm_EthernetPortAllocationSettingData',
  common: {},
  v2: { ...allocation, EnabledState: uint16 },
});

/** The VLAN of a card that is plugged in; of version 2 alone. Its InstanceID begins with the plug's. */
export const vlanSettings = wmiClass({
  name: 'Msvm_EthernetSwitchPortVlanSettingData',
  common: {},
  v2: { InstanceID: key, OperationMode: uint32, AccessVlanId: uint16 },
});

export const jobFields = {
  common: {
    InstanceID: key,
    Name: text,
    JobState: uint16,
    PercentComplete: uint16,
    ElapsedTime: datetime,
    ErrorCode: uint16,
    ErrorDescription: text,
  },
  v2: { JobType: uint16 },
} as const;

/** What takes its time, but for virtual disks, which have jobs of a class beside this one. */
export const job = wmiClass({ name: 'Msvm_ConcreteJob', ...jobFields });
export const storageJob = wmiClass({ name: 'Msvm_StorageJob', ...jobFields });

export const networkSwitch = wmiClass({
  name: { v1: 'Msvm_VirtualSwitch', v2: 'Msvm_VirtualEthernetSwitch' },
  keys: system,
  common: { Name: key, ElementName: text, HealthState: uint16, EnabledState: uint16 },
});

/** How a switch is set up; of version 2 alone. */
export const switchSettings = wmiClass({
  name: 'Msvm_VirtualEthernetSwitchSettingData',
  common: {},
  v2: { InstanceID: key, VirtualSystemIdentifier: text, ElementName: text, Notes: list(text) },
});

/** A network adapter of the host's, by what Windows describes it as. */
export const externalPort = wmiClass({
  name: 'Msvm_ExternalEthernetPort',
  keys: device,
  common: { DeviceID: key, ElementName: text, PermanentAddress: text, IsBound: flag },
});

/** What a card of version 1 is plugged into: `SystemName` is its switch's name. */
export const switchPort = wmiClass({
  name: 'Msvm_SwitchPort',
  keys: ['CreationClassName', 'Name', 'SystemCreationClassName', 'SystemName'],
  common: { Name: key, SystemName: text },
});

/** Where a guest's integration services are asked to shut it down: there only while they run. */
export const shutdownComponent = wmiClass({
  name: 'Msvm_ShutdownComponent',
  keys: device,
  common: { DeviceID: key, SystemName: text, EnabledState: uint16, OperationalStatus: list(uint16) },
});

/** What a guest says of itself: there only while its integration services run. Each item is an embedded object with a name and a value. */
export const kvpComponent = wmiClass({
  name: 'Msvm_KvpExchangeComponent',
  keys: device,
  common: { DeviceID: key, SystemName: text, GuestIntrinsicExchangeItems: list(text) },
});
/** What the host tells a guest, whether that runs or not. Each item is an embedded object, a `kvpItem`. */
export const kvpSettings = wmiClass({
  name: 'Msvm_KvpExchangeComponentSettingData',
  common: { InstanceID: key, HostExchangeItems: list(text) },
});
/** `Source` 0 is the host's own. */
export const kvpItem = wmiClass({ name: 'Msvm_KvpExchangeDataItem', common: { Name: text, Data: text, Source: uint16 } });
/** What a guest says of one card; of version 2 alone. */
export const guestCard = wmiClass({
  name: 'Msvm_GuestNetworkAdapterConfiguration',
  common: {},
  v2: { InstanceID: key, IPAddresses: list(text) },
});

/** Where the host puts what is given no place. */
export const machineServiceSettings = wmiClass({
  name: 'Msvm_VirtualSystemManagementServiceSettingData',
  common: { DefaultVirtualHardDiskPath: text },
});
/** `SystemName` is the host, by the name that objects of it have. */
export const machineService = wmiClass({
  name: 'Msvm_VirtualSystemManagementService',
  keys: service,
  common: { Name: key, SystemName: key },
});
/** Of version 2 alone: in version 1 the service of machines does what it does. */
export const checkpointService = wmiClass({ name: 'Msvm_VirtualSystemSnapshotService', keys: service, common: {}, v2: { Name: key } });
export const switchService = wmiClass({
  name: { v1: 'Msvm_VirtualSwitchManagementService', v2: 'Msvm_VirtualEthernetSwitchManagementService' },
  keys: service,
  common: { Name: key },
});
export const imageService = wmiClass({ name: 'Msvm_ImageManagementService', keys: service, common: { Name: key } });
