import type { ClassText } from '../../cim/class.js';

const allocation =
  'Caption Description InstanceID ElementName ResourceType:uint16 OtherResourceType ResourceSubType PoolID ' +
  'ConsumerVisibility:uint16 HostResource:string[] AllocationUnits VirtualQuantity:uint64 Reservation:uint64 ' +
  'Limit:uint64 Weight:uint32 AutomaticAllocation:boolean AutomaticDeallocation:boolean Parent Connection:string[] ' +
  'Address MappingBehavior:uint16';

const service =
  'Caption Description ElementName InstallDate:datetime Status HealthState:uint16 EnabledState:uint16 OtherEnabledState ' +
  'RequestedState:uint16 EnabledDefault:uint16 TimeOfLastStateChange:datetime SystemCreationClassName SystemName ' +
  'CreationClassName Name PrimaryOwnerName PrimaryOwnerContact StartMode Started:boolean';

const element =
  'Caption Description ElementName InstallDate:datetime OperationalStatus:uint16[] StatusDescriptions:string[] Status ' +
  'HealthState:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 EnabledDefault:uint16 ' +
  'TimeOfLastStateChange:datetime CreationClassName Name PrimaryOwnerName PrimaryOwnerContact Roles:string[] NameFormat ' +
  'OtherIdentifyingInfo:string[] IdentifyingDescriptions:string[] Dedicated:uint16[] ' +
  'OtherDedicatedDescriptions:string[] ResetCapability:uint16 PowerManagementCapabilities:uint16[]';

const device =
  'Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] StatusDescriptions:string[] ' +
  'Status HealthState:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 EnabledDefault:uint16 ' +
  'TimeOfLastStateChange:datetime SystemCreationClassName SystemName CreationClassName DeviceID ' +
  'PowerManagementSupported:boolean PowerManagementCapabilities:uint16[] Availability:uint16 StatusInfo:uint16 ' +
  'LastErrorCode:uint32 ErrorDescription ErrorCleared:boolean OtherIdentifyingInfo:string[] PowerOnHours:uint64 ' +
  'TotalPowerOnHours:uint64 IdentifyingDescriptions:string[] AdditionalAvailability:uint16[] MaxQuiesceTime:uint64';

const job =
  'Caption Description ElementName InstallDate:datetime OperationalStatus:uint16[] StatusDescriptions:string[] Status ' +
  'HealthState:uint16 JobStatus TimeSubmitted:datetime ScheduledStartTime:datetime StartTime:datetime ' +
  'ElapsedTime:datetime JobRunTimes:uint32 RunMonth:uint8 RunDay:sint8 RunDayOfWeek:sint8 RunStartInterval:datetime ' +
  'LocalOrUtcTime:uint16 UntilTime:datetime Notify Owner Priority:uint32 PercentComplete:uint16 ' +
  'DeleteOnCompletion:boolean ErrorCode:uint16 ErrorDescription ErrorSummaryDescription RecoveryAction:uint16 ' +
  'OtherRecoveryAction InstanceID Name JobState:uint16 TimeOfLastStateChange:datetime TimeBeforeRemoval:datetime ' +
  'Cancellable:boolean';

const ethernetPort =
  `${device} ` +
  'Speed:uint64 MaxSpeed:uint64 RequestedSpeed:uint64 UsageRestriction:uint16 PortType:uint16 OtherPortType OtherNetworkPortType ' +
  'PortNumber:uint16 LinkTechnology:uint16 OtherLinkTechnology PermanentAddress NetworkAddresses:string[] FullDuplex:boolean ' +
  'AutoSense:boolean SupportedMaximumTransmissionUnit:uint64 ActiveMaximumTransmissionUnit:uint64 MaxDataSize:uint32 ' +
  'LocationIndicator:uint16 Capabilities:uint16[] CapabilityDescriptions:string[] EnabledCapabilities:uint16[] ' +
  'OtherEnabledCapabilities:string[]';

const endpoint =
  'Caption Description ElementName InstallDate:datetime Name NameFormat OperationalStatus:uint16[] StatusDescriptions:string[] ' +
  'Status HealthState:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 EnabledDefault:uint16 ' +
  'TimeOfLastStateChange:datetime SystemCreationClassName SystemName CreationClassName ProtocolType:uint16 ProtocolIFType:uint16 ' +
  'OtherTypeDescription BroadcastResetSupported:boolean';

const ofDevice = 'CreationClassName DeviceID SystemCreationClassName SystemName';
const ofService = 'CreationClassName Name SystemCreationClassName SystemName';

/** `root\\virtualization`, as libvirt's client once asked for it, and as Microsoft's documents of version 1 have it. */
export const classes: Readonly<Record<string, ClassText>> = {
  Msvm_ComputerSystem: {
    base: element,
    properties: 'OnTimeInMilliseconds:uint64 TimeOfLastConfigurationChange:datetime ProcessID:uint32 ' + 'AssignedNumaNodeList:uint16[]',
    keys: 'CreationClassName Name',
  },
  Msvm_VirtualSystemSettingData: {
    properties:
      'Caption Description ElementName InstanceID SystemName SettingType:uint16 VirtualSystemType:uint16 ' +
      'OtherVirtualSystemType AutoActivate:boolean CreationTime:datetime Notes BIOSGUID BIOSSerialNumber ' +
      'BaseBoardSerialNumber ChassisSerialNumber ChassisAssetTag BIOSNumLock:boolean BootOrder:uint16[] Parent ' +
      'NumaNodeList:uint16[] NumaNodesAreRequired:boolean',
    keys: 'InstanceID',
  },
  Msvm_VirtualSystemGlobalSettingData: {
    properties:
      'Caption Description ElementName InstanceID SystemName SettingType:uint16 VirtualSystemType:uint16 ' +
      'OtherVirtualSystemType AutoActivate:boolean CreationTime:datetime ExternalDataRoot SnapshotDataRoot ' +
      'AutomaticStartupAction:uint16 AutomaticStartupActionDelay:datetime AutomaticShutdownAction:uint16 ' +
      'AutomaticRecoveryAction:uint16 AdditionalRecoveryInformation ScopeOfResidence DebugChannelId:uint32 ' +
      'AllowFullSCSICommandSet:boolean Version',
    keys: 'InstanceID',
  },
  Msvm_ProcessorSettingData: {
    base: allocation,
    properties:
      'IsVirtualized:boolean DeviceID DeviceIDFormat ProcessorsPerSocket:uint16 SocketCount:uint16 ' +
      'ThreadsEnabled:boolean LimitCPUID:boolean LimitProcessorFeatures:boolean',
    keys: 'InstanceID',
  },
  Msvm_MemorySettingData: {
    base: allocation,
    properties: 'IsVirtualized:boolean DeviceID DeviceIDFormat DynamicMemoryEnabled:boolean TargetMemoryBuffer:uint32',
    keys: 'InstanceID',
  },
  Msvm_ResourceAllocationSettingData: {
    base: allocation,
    properties: 'VirtualSystemIdentifiers:string[]',
    keys: 'InstanceID',
  },
  Msvm_SyntheticEthernetPortSettingData: {
    base: allocation,
    properties: 'VirtualSystemIdentifiers:string[] StaticMacAddress:boolean',
    keys: 'InstanceID',
  },
  CIM_ConcreteJob: { base: job, keys: 'InstanceID' },
  Msvm_ConcreteJob: { base: job, keys: 'InstanceID', parent: 'CIM_ConcreteJob' },
  Msvm_VirtualSwitch: {
    base: element,
    properties: 'ScopeOfResidence NumLearnableAddresses:uint32 MaxVMQOffloads:uint32 MaxChimneyOffloads:uint32',
    keys: 'CreationClassName Name',
  },
  Msvm_SwitchPort: {
    properties:
      'Caption ElementName InstallDate:datetime StatusDescriptions:string[] Status HealthState:uint16 OtherEnabledState ' +
      'RequestedState:uint16 EnabledDefault:uint16 SystemCreationClassName SystemName CreationClassName Description ' +
      'OperationalStatus:uint16[] EnabledState:uint16 TimeOfLastStateChange:datetime Name NameFormat ' +
      'ProtocolType:uint16 ProtocolIFType:uint16 OtherTypeDescription BroadcastResetSupported:boolean PortNumber:uint16 ' +
      'ScopeOfResidence VMQOffloadWeight:uint32 ChimneyOffloadWeight:uint32 VMQOffloadUsage:uint32 ' +
      'ChimneyOffloadUsage:uint32 VMQOffloadLimit:uint32 ChimneyOffloadLimit:uint32 AllowMacSpoofing:boolean',
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_ExternalEthernetPort: { base: ethernetPort, properties: 'IsBound:boolean', keys: ofDevice },
  Msvm_InternalEthernetPort: { base: ethernetPort, keys: ofDevice },
  Msvm_SwitchLANEndpoint: {
    base: endpoint,
    properties:
      'LANID LANType:uint16 OtherLANType MACAddress AliasAddresses:string[] GroupAddresses:string[] MaxDataSize:uint32 Connected:boolean',
    keys: ofService,
  },
  Msvm_VLANEndpoint: {
    base: endpoint,
    properties:
      'DesiredEndpointMode:uint16 OtherEndpointMode OperationalEndpointMode:uint16 DesiredVLANTrunkEncapsulation:uint16 ' +
      'OtherTrunkEncapsulation OperationalVLANTrunkEncapsulation:uint16 GVRPStatus:uint16 SupportedEndpointModes:uint16[]',
    keys: ofService,
  },
  Msvm_VLANEndpointSettingData: {
    properties:
      'Caption Description ElementName InstanceID AccessVLAN:uint16 NativeVLAN:uint16 DefaultVLAN:uint16 TrunkedVLANList:uint16[] ' +
      'PruneEligibleVLANList:uint16[] PrimaryVlan:uint16 SecondaryVlan:uint16 PVlanMode:uint8',
    keys: 'InstanceID',
  },
  Msvm_ActiveConnection: {
    properties: 'Antecedent:ref Dependent:ref TrafficType:uint16 OtherTrafficDescription IsUnidirectional:boolean',
    keys: 'Antecedent Dependent',
  },
  Msvm_BindsTo: { properties: 'Antecedent:ref Dependent:ref', keys: 'Antecedent Dependent' },
  Msvm_GlobalEthernetPortSAPImplementation: { properties: 'Antecedent:ref Dependent:ref', keys: 'Antecedent Dependent' },
  Msvm_NetworkElementSettingData: {
    properties: 'ManagedElement:ref SettingData:ref IsDefault:uint16 IsNext:uint16 IsMinimum:uint16 IsMaximum:uint16 IsCurrent:uint16',
    keys: 'ManagedElement SettingData',
  },
  Msvm_VirtualSystemManagementService: {
    base: service,
    properties: 'OperationalStatus:uint16 StatusDescriptions',
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_VirtualSwitchManagementService: {
    base: service,
    properties: 'OperationalStatus:uint16[] StatusDescriptions:string[]',
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_ImageManagementService: {
    base: service,
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_Keyboard: {
    base: device,
    properties: 'LocationIndicator:uint16 IsLocked:boolean Layout NumberOfFunctionKeys:uint16 Password:uint16',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_ShutdownComponent: { base: device, keys: 'CreationClassName DeviceID SystemCreationClassName SystemName' },
  Msvm_HeartbeatComponent: { base: device, keys: 'CreationClassName DeviceID SystemCreationClassName SystemName' },
  Msvm_KvpExchangeComponentSettingData: {
    base: allocation,
    properties: 'EnabledState:uint16 HostExchangeItems:string[] HostOnlyItems:string[]',
    keys: 'InstanceID',
  },
  Msvm_KvpExchangeComponent: {
    base: device,
    properties: 'GuestExchangeItems:string[] GuestIntrinsicExchangeItems:string[]',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_VirtualSystemManagementServiceSettingData: {
    properties:
      'Caption Description ElementName InstanceID BiosLockString DefaultExternalDataRoot DefaultVirtualHardDiskPath ' +
      'MaximumMacAddress MinimumMacAddress PrimaryOwnerContact PrimaryOwnerName',
    keys: 'InstanceID',
  },
  Msvm_NetworkJob: { base: job, keys: 'InstanceID', parent: 'CIM_ConcreteJob' },
  Msvm_StorageJob: {
    base: job,
    properties: 'JobCompletionStatusCode:uint32',
    keys: 'InstanceID',
    parent: 'CIM_ConcreteJob',
  },
  /** Given to methods, and told by objects, as CIM-XML. */
  Msvm_KvpExchangeDataItem: { properties: 'Caption Description ElementName Name Data Source:uint16', keys: 'Name' },
};
