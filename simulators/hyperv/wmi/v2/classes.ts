import type { ClassText } from '../../cim/class.js';

/** `root\\virtualization\\v2`, as Microsoft documents it; what libvirt's client asks for is among it. */

const allocation =
  'InstanceID Caption Description ElementName ResourceType:uint16 OtherResourceType ResourceSubType PoolID ' +
  'ConsumerVisibility:uint16 HostResource:string[] AllocationUnits VirtualQuantity:uint64 Reservation:uint64 ' +
  'Limit:uint64 Weight:uint32 AutomaticAllocation:boolean AutomaticDeallocation:boolean Parent Connection:string[] ' +
  'Address MappingBehavior:uint16 AddressOnParent VirtualQuantityUnits';

const service =
  'InstanceID Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] ' +
  'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
  'OperatingStatus:uint16 PrimaryStatus:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 ' +
  'EnabledDefault:uint16 TimeOfLastStateChange:datetime AvailableRequestedStates:uint16[] TransitioningToState:uint16 ' +
  'SystemCreationClassName SystemName CreationClassName PrimaryOwnerName PrimaryOwnerContact StartMode Started:boolean';

const device =
  'InstanceID Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] ' +
  'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
  'OperatingStatus:uint16 PrimaryStatus:uint16 OtherEnabledState RequestedState:uint16 EnabledDefault:uint16 ' +
  'TimeOfLastStateChange:datetime AvailableRequestedStates:uint16[] TransitioningToState:uint16 SystemCreationClassName ' +
  'SystemName CreationClassName DeviceID PowerManagementSupported:boolean PowerManagementCapabilities:uint16[] ' +
  'Availability:uint16 StatusInfo:uint16 LastErrorCode:uint32 ErrorDescription ErrorCleared:boolean ' +
  'OtherIdentifyingInfo:string[] PowerOnHours:uint64 TotalPowerOnHours:uint64 IdentifyingDescriptions:string[] ' +
  'AdditionalAvailability:uint16[] MaxQuiesceTime:uint64';

const element =
  'InstanceID Caption Description ElementName InstallDate:datetime OperationalStatus:uint16[] ' +
  'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
  'OperatingStatus:uint16 PrimaryStatus:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 ' +
  'EnabledDefault:uint16 TimeOfLastStateChange:datetime AvailableRequestedStates:uint16[] TransitioningToState:uint16 ' +
  'CreationClassName Name OtherIdentifyingInfo:string[] IdentifyingDescriptions:string[] ' +
  'PowerManagementCapabilities:uint16[]';

export const classes: Readonly<Record<string, ClassText>> = {
  Msvm_ComputerSystem: {
    base: element,
    properties:
      'PrimaryOwnerName PrimaryOwnerContact Roles:string[] NameFormat Dedicated:uint16[] ' +
      'OtherDedicatedDescriptions:string[] ResetCapability:uint16 OnTimeInMilliseconds:uint64 ProcessID:uint32 ' +
      'TimeOfLastConfigurationChange:datetime NumberOfNumaNodes:uint16 ReplicationState:uint16 ReplicationHealth:uint16 ' +
      'ReplicationMode:uint16 FailedOverReplicationType:uint16 LastReplicationType:uint16 ' +
      'LastApplicationConsistentReplicationTime:datetime LastReplicationTime:datetime LastSuccessfulBackupTime:datetime ' +
      'EnhancedSessionModeState:uint16',
    keys: 'CreationClassName Name',
  },
  Msvm_VirtualSystemSettingData: {
    properties:
      'InstanceID Caption Description ElementName VirtualSystemIdentifier VirtualSystemType Notes:string[] ' +
      'CreationTime:datetime ConfigurationID ConfigurationDataRoot ConfigurationFile SnapshotDataRoot SuspendDataRoot ' +
      'SwapFileDataRoot LogDataRoot AutomaticStartupAction:uint16 AutomaticStartupActionDelay:datetime ' +
      'AutomaticStartupActionSequenceNumber:uint16 AutomaticShutdownAction:uint16 AutomaticRecoveryAction:uint16 ' +
      'RecoveryFile BIOSGUID BIOSSerialNumber BaseBoardSerialNumber ChassisSerialNumber ChassisAssetTag ' +
      'BIOSNumLock:boolean BootOrder:uint16[] Parent IsSaved:boolean AdditionalRecoveryInformation ' +
      'AllowFullSCSICommandSet:boolean DebugChannelId:uint32 DebugPortEnabled:uint16 DebugPort:uint32 Version ' +
      'IncrementalBackupEnabled:boolean VirtualNumaEnabled:boolean AllowReducedFcRedundancy:boolean ' +
      'VirtualSystemSubType BootSourceOrder:string[] PauseAfterBootFailure:boolean NetworkBootPreferredProtocol:uint16 ' +
      'SecureBootEnabled:boolean LowMmioGapSize:uint64 Architecture UserSnapshotType:uint16 ' +
      'GuestControlledCacheTypes:boolean AutomaticSnapshotsEnabled:boolean IsAutomaticSnapshot:boolean GuestStateFile ' +
      'GuestStateDataRoot LockOnDisconnect:boolean ParentPackage AutomaticCriticalErrorActionTimeout:datetime ' +
      'AutomaticCriticalErrorAction:uint16 ConsoleMode:uint16 SecureBootTemplateId HighMmioGapSize:uint64 ' +
      'EnhancedSessionTransportType:uint16',
    keys: 'InstanceID',
  },
  Msvm_ProcessorSettingData: {
    base: allocation,
    properties:
      'LimitCPUID:boolean LimitProcessorFeatures:boolean MaxProcessorsPerNumaNode:uint64 MaxNumaNodesPerSocket:uint64 ' +
      'HwThreadsPerCore:uint64 EnableHostResourceProtection:boolean CpuGroupId HideHypervisorPresent:boolean ' +
      'ExposeVirtualizationExtensions:boolean',
    keys: 'InstanceID',
  },
  Msvm_MemorySettingData: {
    base: allocation,
    properties:
      'DynamicMemoryEnabled:boolean TargetMemoryBuffer:uint32 IsVirtualized:boolean SwapFilesInUse:boolean ' +
      'MaxMemoryBlocksPerNumaNode:uint64 HugePagesEnabled:boolean SgxSize:uint64 SgxEnabled:boolean',
    keys: 'InstanceID',
  },
  Msvm_ResourceAllocationSettingData: {
    base: allocation,
    properties: 'VirtualSystemIdentifiers:string[]',
    keys: 'InstanceID',
  },
  Msvm_StorageAllocationSettingData: {
    base: allocation,
    properties:
      'VirtualResourceBlockSize:uint64 Access:uint16 HostResourceBlockSize:uint64 HostExtentStartingAddress:uint64 ' +
      'HostExtentName HostExtentNameFormat:uint16 OtherHostExtentNameFormat HostExtentNameNamespace:uint16 ' +
      'OtherHostExtentNameNamespace IOPSLimit:uint64 IOPSReservation:uint64 IOPSAllocationUnits ' +
      'PersistentReservationsSupported:boolean StorageQoSPolicyID CachingMode:uint16 SnapshotId IgnoreFlushes:boolean ' +
      'WriteHardeningMethod:uint16',
    keys: 'InstanceID',
  },
  Msvm_SerialPortSettingData: {
    base: allocation,
    properties: 'VirtualSystemIdentifiers:string[] DebuggerMode:boolean',
    keys: 'InstanceID',
  },
  Msvm_EthernetPortAllocationSettingData: {
    base: allocation,
    properties:
      'DesiredVLANEndpointMode:uint16 OtherEndpointMode EnabledState:uint16 RequiredFeatures:string[] ' +
      'RequiredFeatureHints:string[] TestReplicaPoolID TestReplicaSwitchName LastKnownSwitchName CompartmentGuid',
    keys: 'InstanceID',
  },
  Msvm_SyntheticEthernetPortSettingData: {
    base: allocation,
    properties:
      'DesiredVLANEndpointMode:uint16 OtherEndpointMode VirtualSystemIdentifiers:string[] StaticMacAddress:boolean ' +
      'ClusterMonitored:boolean DeviceNamingEnabled:boolean AllowPacketDirect:boolean',
    keys: 'InstanceID',
  },
  Msvm_EmulatedEthernetPortSettingData: {
    base: allocation,
    properties: 'DesiredVLANEndpointMode:uint16 OtherEndpointMode StaticMacAddress:boolean ClusterMonitored:boolean',
    keys: 'InstanceID',
  },
  CIM_ConcreteJob: {
    properties: 'InstanceID Name JobState:uint16 TimeOfLastStateChange:datetime TimeBeforeRemoval:datetime',
    keys: 'InstanceID',
  },
  Msvm_ConcreteJob: {
    properties:
      'InstanceID Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] ' +
      'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
      'OperatingStatus:uint16 PrimaryStatus:uint16 JobStatus TimeSubmitted:datetime ScheduledStartTime:datetime ' +
      'StartTime:datetime ElapsedTime:datetime JobRunTimes:uint32 RunMonth:uint8 RunDay:sint8 RunDayOfWeek:sint8 ' +
      'RunStartInterval:datetime LocalOrUtcTime:uint16 UntilTime:datetime Notify Owner Priority:uint32 ' +
      'PercentComplete:uint16 DeleteOnCompletion:boolean ErrorCode:uint16 ErrorDescription ErrorSummaryDescription ' +
      'RecoveryAction:uint16 OtherRecoveryAction JobState:uint16 TimeOfLastStateChange:datetime ' +
      'TimeBeforeRemoval:datetime Cancellable:boolean JobType:uint16',
    keys: 'InstanceID',
    parent: 'CIM_ConcreteJob',
  },
  Msvm_StorageJob: {
    properties:
      'InstanceID Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] ' +
      'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
      'OperatingStatus:uint16 PrimaryStatus:uint16 JobStatus TimeSubmitted:datetime ScheduledStartTime:datetime ' +
      'StartTime:datetime ElapsedTime:datetime JobRunTimes:uint32 RunMonth:uint8 RunDay:sint8 RunDayOfWeek:sint8 ' +
      'RunStartInterval:datetime LocalOrUtcTime:uint16 UntilTime:datetime Notify Owner Priority:uint32 ' +
      'PercentComplete:uint16 DeleteOnCompletion:boolean ErrorCode:uint16 ErrorDescription ErrorSummaryDescription ' +
      'RecoveryAction:uint16 OtherRecoveryAction JobState:uint16 TimeOfLastStateChange:datetime ' +
      'TimeBeforeRemoval:datetime Cancellable:boolean Child JobCompletionStatusCode:uint32 Parent JobType:uint16',
    keys: 'InstanceID',
    parent: 'CIM_ConcreteJob',
  },
  Msvm_VirtualEthernetSwitch: {
    base: element,
    properties:
      'PrimaryOwnerName PrimaryOwnerContact Roles:string[] NameFormat Dedicated:uint16[] ' +
      'OtherDedicatedDescriptions:string[] ResetCapability:uint16 MaxVMQOffloads:uint32 MaxIOVOffloads:uint32',
    keys: 'CreationClassName Name',
  },
  Msvm_VirtualEthernetSwitchSettingData: {
    properties:
      'InstanceID Caption Description ElementName VirtualSystemIdentifier VirtualSystemType Notes:string[] ' +
      'CreationTime:datetime ConfigurationID ConfigurationDataRoot ConfigurationFile SnapshotDataRoot SuspendDataRoot ' +
      'SwapFileDataRoot LogDataRoot AutomaticStartupAction:uint16 AutomaticStartupActionDelay:datetime ' +
      'AutomaticStartupActionSequenceNumber:uint16 AutomaticShutdownAction:uint16 AutomaticRecoveryAction:uint16 ' +
      'RecoveryFile VLANConnection:string[] AssociatedResourcePool:string[] MaxNumMACAddress:uint32 ' +
      'IOVPreferred:boolean ExtensionOrder:string[] BandwidthReservationMode:uint32 TeamingEnabled:boolean ' +
      'PacketDirectEnabled:boolean',
    keys: 'InstanceID',
  },
  Msvm_ExternalEthernetPort: {
    properties:
      'InstanceID Caption Description ElementName InstallDate:datetime Name OperationalStatus:uint16[] ' +
      'StatusDescriptions:string[] Status HealthState:uint16 CommunicationStatus:uint16 DetailedStatus:uint16 ' +
      'OperatingStatus:uint16 PrimaryStatus:uint16 EnabledState:uint16 OtherEnabledState RequestedState:uint16 ' +
      'EnabledDefault:uint16 TimeOfLastStateChange:datetime AvailableRequestedStates:uint16[] ' +
      'TransitioningToState:uint16 SystemCreationClassName SystemName CreationClassName DeviceID ' +
      'PowerManagementSupported:boolean PowerManagementCapabilities:uint16[] Availability:uint16 StatusInfo:uint16 ' +
      'LastErrorCode:uint32 ErrorDescription ErrorCleared:boolean OtherIdentifyingInfo:string[] PowerOnHours:uint64 ' +
      'TotalPowerOnHours:uint64 IdentifyingDescriptions:string[] AdditionalAvailability:string[] MaxQuiesceTime:uint64 ' +
      'Speed:uint64 MaxSpeed:uint64 RequestedSpeed:uint64 UsageRestriction:uint16 PortType:uint16 OtherPortType ' +
      'OtherNetworkPortType PortNumber:uint16 LinkTechnology:uint16 OtherLinkTechnology PermanentAddress ' +
      'NetworkAddresses:string[] FullDuplex:boolean AutoSense:boolean SupportedMaximumTransmissionUnit:uint64 ' +
      'ActiveMaximumTransmissionUnit:uint64 MaxDataSize:uint32 Capabilities:uint16[] CapabilityDescriptions:string[] ' +
      'EnabledCapabilities:uint16[] OtherEnabledCapabilities:string[] IsBound:boolean',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_KvpExchangeComponentSettingData: {
    base: allocation,
    properties: 'DisableHostKVPItems:boolean EnabledState:uint16 HostExchangeItems:string[] HostOnlyItems:string[]',
    keys: 'InstanceID',
  },
  Msvm_KvpExchangeComponent: {
    base: device,
    properties: 'EnabledState:uint16 GuestExchangeItems:string[] GuestIntrinsicExchangeItems:string[]',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_GuestNetworkAdapterConfiguration: {
    properties:
      'InstanceID ProtocolIFType:uint16 DHCPEnabled:boolean IPAddresses:string[] Subnets:string[] ' +
      'DefaultGateways:string[] DNSServers:string[] IPAddressOrigins:uint16[]',
    keys: 'InstanceID',
  },
  Msvm_EthernetSwitchPortVlanSettingData: {
    properties:
      'InstanceID Caption Description ElementName OperationMode:uint32 AccessVlanId:uint16 NativeVlanId:uint16 ' +
      'PvlanMode:uint32 PrimaryVlanId:uint16 SecondaryVlanId:uint16 PruneVlanIdArray:uint16[] TrunkVlanIdArray:uint16[] ' +
      'SecondaryVlanIdArray:uint16[]',
    keys: 'InstanceID',
  },
  Msvm_VirtualSystemSnapshotService: {
    base: service,
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_ImageManagementService: {
    base: service,
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_VirtualSystemManagementServiceSettingData: {
    properties:
      'InstanceID Caption Description ElementName BiosLockString DefaultExternalDataRoot DefaultVirtualHardDiskPath ' +
      'MaximumMacAddress MinimumMacAddress NumaSpanningEnabled:boolean PrimaryOwnerContact PrimaryOwnerName ' +
      'HbaLunTimeout:uint32 MaximumWWPNAddress MinimumWWPNAddress CurrentWWNNAddress ' +
      'DefaultVirtualHardDiskCachingMode:uint16 HypervisorRootSchedulerEnabled:boolean ' +
      'EnhancedSessionModeEnabled:boolean',
    keys: 'InstanceID',
  },
  Msvm_HeartbeatComponent: {
    base: device,
    properties: 'EnabledState:uint16',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_ShutdownComponent: {
    base: device,
    properties: 'EnabledState:uint16',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_Keyboard: {
    base: device,
    properties: 'EnabledState:uint16 IsLocked:boolean Layout NumberOfFunctionKeys:uint16 Password:uint16 UnicodeSupported:boolean',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_SyntheticDisplayController: {
    base: device,
    properties:
      'EnabledState TimeOfLastReset:datetime ProtocolSupported:uint16 MaxNumberControlled:uint32 ProtocolDescription ' +
      'VideoProcessor VideoMemoryType:uint16 OtherVideoMemoryType NumberOfVideoPages:uint32 MaxMemorySupported:uint32 ' +
      'AcceleratorCapabilities:uint16[] CapabilityDescriptions:string[] OtherVideoArchitecture VideoArchitecture:uint16',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_S3DisplayController: {
    base: device,
    properties:
      'EnabledState TimeOfLastReset:datetime ProtocolSupported:uint16 MaxNumberControlled:uint32 ProtocolDescription ' +
      'VideoProcessor VideoMemoryType:uint16 OtherVideoMemoryType NumberOfVideoPages:uint32 MaxMemorySupported:uint32 ' +
      'AcceleratorCapabilities:uint16[] CapabilityDescriptions:string[] OtherVideoArchitecture VideoArchitecture:uint16',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_VideoHead: {
    base: device,
    properties:
      'EnabledState CurrentBitsPerPixel:uint32 CurrentHorizontalResolution:uint32 CurrentVerticalResolution:uint32 ' +
      'MaxRefreshRate:uint32 MinRefreshRate:uint32 CurrentRefreshRate:uint32 CurrentScanMode:uint16 ' +
      'OtherCurrentScanMode CurrentNumberOfRows:uint32 CurrentNumberOfColumns:uint32 CurrentNumberOfColors:uint64',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_DiskDrive: {
    base: device,
    properties:
      'EnabledState:uint16 Capabilities:uint16[] CapabilityDescriptions:string[] ErrorMethodology CompressionMethod ' +
      'NumberOfMediaSupported:uint32 MaxMediaSize:uint64 DefaultBlockSize:uint64 MaxBlockSize:uint64 ' +
      'MinBlockSize:uint64 NeedsCleaning:boolean MediaIsLocked:boolean Security:uint16 LastCleaned:datetime ' +
      'MaxAccessTime:uint64 UncompressedDataRate:uint32 LoadTime:uint64 UnloadTime:uint64 MountCount:uint64 ' +
      'TimeOfLastMount:datetime TotalMountTime:uint64 UnitsDescription MaxUnitsBeforeCleaning:uint64 UnitsUsed:uint64 ' +
      'DriveNumber:uint32',
    keys: 'CreationClassName DeviceID SystemCreationClassName SystemName',
  },
  Msvm_VirtualSystemManagementService: {
    base: service,
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  Msvm_VirtualEthernetSwitchManagementService: {
    base: service,
    keys: 'CreationClassName Name SystemCreationClassName SystemName',
  },
  /** Given to methods, and told by objects, as CIM-XML. */
  Msvm_KvpExchangeDataItem: { properties: 'InstanceID Caption Description ElementName Name Data Source:uint16', keys: 'Name' },
  Msvm_VirtualHardDiskSettingData: {
    properties:
      'InstanceID Caption Description ElementName Type:uint16 Format:uint16 Path ParentPath ParentTimestamp:datetime ParentIdentifier ' +
      'MaxInternalSize:uint64 BlockSize:uint32 LogicalSectorSize:uint32 PhysicalSectorSize:uint32 VirtualDiskId DataAlignment:uint64 ' +
      'PmemAddressAbstractionType:uint16 IsPmemCompatible:boolean',
    keys: 'InstanceID',
  },
  Msvm_VirtualSystemSnapshotSettingData: {
    properties:
      'InstanceID Caption Description ElementName ConsistencyLevel:uint8 IgnoreNonSnapshottableDisks:boolean GuestBackupType:uint8',
    keys: 'InstanceID',
  },
};
