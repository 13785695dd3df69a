import type { ClassText } from '../cim/class.js';

export const classes: Readonly<Record<string, ClassText>> = {
  Win32_ComputerSystem: {
    properties:
      'AdminPasswordStatus:uint16 AutomaticManagedPagefile:boolean AutomaticResetBootOption:boolean ' +
      'AutomaticResetCapability:boolean BootOptionOnLimit:uint16 BootOptionOnWatchDog:uint16 BootROMSupported:boolean ' +
      'BootupState Caption ChassisBootupState:uint16 CreationClassName CurrentTimeZone:sint16 DaylightInEffect:boolean ' +
      'Description DNSHostName Domain DomainRole:uint16 EnableDaylightSavingsTime:boolean FrontPanelResetStatus:uint16 ' +
      'InfraredSupported:boolean InstallDate:datetime KeyboardPasswordStatus:uint16 LastLoadInfo Manufacturer Model ' +
      'Name NameFormat NetworkServerModeEnabled:boolean NumberOfLogicalProcessors:uint32 NumberOfProcessors:uint32 ' +
      'OEMLogoBitmap:uint8[] OEMStringArray:string[] PartOfDomain:boolean PauseAfterReset:sint64 PCSystemType:uint16 ' +
      'PowerManagementCapabilities:uint16[] PowerManagementSupported:boolean PowerOnPasswordStatus:uint16 ' +
      'PowerState:uint16 PowerSupplyState:uint16 PrimaryOwnerContact PrimaryOwnerName ResetCapability:uint16 ' +
      'ResetCount:sint16 ResetLimit:sint16 Roles:string[] Status SupportContactDescription:string[] ' +
      'SystemStartupDelay:uint16 SystemStartupOptions:string[] SystemStartupSetting:uint8 SystemType ' +
      'ThermalState:uint16 TotalPhysicalMemory:uint64 UserName WakeUpType:uint16 Workgroup',
    keys: 'Name',
  },
  Win32_ComputerSystemProduct: {
    properties: 'Caption Description IdentifyingNumber Name SKUNumber UUID Vendor Version',
    keys: 'IdentifyingNumber Name Version',
  },
  Win32_OperatingSystem: {
    properties:
      'BootDevice BuildNumber BuildType Caption CodeSet CountryCode CreationClassName CSCreationClassName CSDVersion ' +
      'CSName CurrentTimeZone:sint16 DataExecutionPrevention_Available:boolean ' +
      'DataExecutionPrevention_32BitApplications:boolean DataExecutionPrevention_Drivers:boolean ' +
      'DataExecutionPrevention_SupportPolicy:uint8 Debug:boolean Description Distributed:boolean EncryptionLevel:uint32 ' +
      'ForegroundApplicationBoost:uint8 FreePhysicalMemory:uint64 FreeSpaceInPagingFiles:uint64 ' +
      'FreeVirtualMemory:uint64 InstallDate:datetime LargeSystemCache:uint32 LastBootUpTime:datetime ' +
      'LocalDateTime:datetime Locale Manufacturer MaxNumberOfProcesses:uint32 MaxProcessMemorySize:uint64 ' +
      'MUILanguages:string[] Name NumberOfLicensedUsers:uint32 NumberOfProcesses:uint32 NumberOfUsers:uint32 ' +
      'OperatingSystemSKU:uint32 Organization OSArchitecture OSLanguage:uint32 OSProductSuite:uint32 OSType:uint16 ' +
      'OtherTypeDescription PAEEnabled:boolean PlusProductID PlusVersionNumber Primary:boolean ProductType:uint32 ' +
      'RegisteredUser SerialNumber ServicePackMajorVersion:uint16 ServicePackMinorVersion:uint16 ' +
      'SizeStoredInPagingFiles:uint64 Status SuiteMask:uint32 SystemDevice SystemDirectory SystemDrive ' +
      'TotalSwapSpaceSize:uint64 TotalVirtualMemorySize:uint64 TotalVisibleMemorySize:uint64 Version WindowsDirectory',
    keys: 'Name',
  },
  Win32_Processor: {
    properties:
      'AddressWidth:uint16 Architecture:uint16 Availability:uint16 Caption ConfigManagerErrorCode:uint32 ' +
      'ConfigManagerUserConfig:boolean CpuStatus:uint16 CreationClassName CurrentClockSpeed:uint32 ' +
      'CurrentVoltage:uint16 DataWidth:uint16 Description DeviceID ErrorCleared:boolean ErrorDescription ' +
      'ExtClock:uint32 Family:uint16 InstallDate:datetime L2CacheSize:uint32 L2CacheSpeed:uint32 L3CacheSize:uint32 ' +
      'L3CacheSpeed:uint32 LastErrorCode:uint32 Level:uint16 LoadPercentage:uint16 Manufacturer MaxClockSpeed:uint32 ' +
      'Name NumberOfCores:uint32 NumberOfLogicalProcessors:uint32 OtherFamilyDescription PNPDeviceID ' +
      'PowerManagementCapabilities:uint16[] PowerManagementSupported:boolean ProcessorId ProcessorType:uint16 ' +
      'Revision:uint16 Role SocketDesignation Status StatusInfo:uint16 Stepping SystemCreationClassName SystemName ' +
      'UniqueId UpgradeMethod:uint16 Version VoltageCaps:uint32',
    keys: 'DeviceID',
  },
  CIM_DataFile: {
    properties:
      'AccessMask:uint32 Archive:boolean Caption Compressed:boolean CompressionMethod CreationClassName ' +
      'CreationDate:datetime CSCreationClassName CSName Description Drive EightDotThreeFileName Encrypted:boolean ' +
      'EncryptionMethod Extension FileName FileSize:uint64 FileType FSCreationClassName FSName Hidden:boolean ' +
      'InstallDate:datetime InUseCount:uint64 LastAccessed:datetime LastModified:datetime Manufacturer Name Path ' +
      'Readable:boolean Status System:boolean Version Writeable:boolean',
    keys: 'Name',
  },
  Win32_Directory: {
    properties:
      'AccessMask:uint32 Archive:boolean Caption Compressed:boolean CompressionMethod CreationClassName ' +
      'CreationDate:datetime CSCreationClassName CSName Description Drive EightDotThreeFileName Encrypted:boolean ' +
      'EncryptionMethod Extension FileName FileSize:uint64 FileType FSCreationClassName FSName Hidden:boolean ' +
      'InstallDate:datetime InUseCount:uint64 LastAccessed:datetime LastModified:datetime Name Path Readable:boolean ' +
      'Status System:boolean Writeable:boolean',
    keys: 'Name',
  },
  Win32_Share: {
    properties:
      'AccessMask:uint32 AllowMaximum:boolean Caption Description InstallDate:datetime MaximumAllowed:uint32 Name Path Status Type:uint32',
    keys: 'Name',
  },
  Win32_LogicalDisk: {
    properties:
      'Access:uint16 Availability:uint16 BlockSize:uint64 Caption Compressed:boolean ConfigManagerErrorCode:uint32 ' +
      'ConfigManagerUserConfig:boolean CreationClassName Description DeviceID DriveType:uint32 ErrorCleared:boolean ' +
      'ErrorDescription ErrorMethodology FileSystem FreeSpace:uint64 InstallDate:datetime LastErrorCode:uint32 ' +
      'MaximumComponentLength:uint32 MediaType:uint32 Name NumberOfBlocks:uint64 PNPDeviceID ' +
      'PowerManagementCapabilities:uint16[] PowerManagementSupported:boolean ProviderName Purpose ' +
      'QuotasDisabled:boolean QuotasIncomplete:boolean QuotasRebuilding:boolean Size:uint64 Status StatusInfo:uint16 ' +
      'SupportsDiskQuotas:boolean SupportsFileBasedCompression:boolean SystemCreationClassName SystemName ' +
      'VolumeDirty:boolean VolumeName VolumeSerialNumber',
    keys: 'DeviceID',
  },
  Win32_PerfRawData_HvStats_HyperVHypervisorVirtualProcessor: {
    properties:
      'AddressDomainFlushesPersec:uint64 AddressSpaceEvictionsPersec:uint64 AddressSpaceFlushesPersec:uint64 ' +
      'AddressSpaceSwitchesPersec:uint64 APICEOIAccessesPersec:uint64 APICIPIsSentPersec:uint64 ' +
      'APICMMIOAccessesPersec:uint64 APICSelfIPIsSentPersec:uint64 APICTPRAccessesPersec:uint64 Caption ' +
      'ControlRegisterAccessesCost:uint64 ControlRegisterAccessesCost_Base:uint64 ControlRegisterAccessesPersec:uint64 ' +
      'CPUIDInstructionsCost:uint64 CPUIDInstructionsCost_Base:uint64 CPUIDInstructionsPersec:uint64 ' +
      'CPUWaitTimePerDispatch:uint64 CPUWaitTimePerDispatch_Base:uint64 DebugRegisterAccessesCost:uint64 ' +
      'DebugRegisterAccessesCost_Base:uint64 DebugRegisterAccessesPersec:uint64 Description ' +
      'EmulatedInstructionsCost:uint64 EmulatedInstructionsCost_Base:uint64 EmulatedInstructionsPersec:uint64 ' +
      'ExternalInterruptsCost:uint64 ExternalInterruptsCost_Base:uint64 ExternalInterruptsPersec:uint64 ' +
      'Frequency_Object:uint64 Frequency_PerfTime:uint64 Frequency_Sys100NS:uint64 GlobalGVARangeFlushesPersec:uint64 ' +
      'GPASpaceHypercallsPersec:uint64 GuestPageTableMapsPersec:uint64 HardwareInterruptsPersec:uint64 ' +
      'HLTInstructionsCost:uint64 HLTInstructionsCost_Base:uint64 HLTInstructionsPersec:uint64 HypercallsCost:uint64 ' +
      'HypercallsCost_Base:uint64 HypercallsPersec:uint64 IOInstructionsCost:uint64 IOInstructionsCost_Base:uint64 ' +
      'IOInstructionsPersec:uint64 IOInterceptMessagesPersec:uint64 LargePageTLBFillsPersec:uint64 ' +
      'LocalFlushedGVARangesPersec:uint64 LogicalProcessorDispatchesPersec:uint64 ' +
      'LogicalProcessorHypercallsPersec:uint64 LogicalProcessorMigrationsPersec:uint64 ' +
      'LongSpinWaitHypercallsPersec:uint64 MemoryInterceptMessagesPersec:uint64 MSRAccessesCost:uint64 ' +
      'MSRAccessesCost_Base:uint64 MSRAccessesPersec:uint64 MWAITInstructionsCost:uint64 ' +
      'MWAITInstructionsCost_Base:uint64 MWAITInstructionsPersec:uint64 Name NestedPageFaultInterceptsCost:uint64 ' +
      'NestedPageFaultInterceptsCost_Base:uint64 NestedPageFaultInterceptsPersec:uint64 OtherHypercallsPersec:uint64 ' +
      'OtherInterceptsCost:uint64 OtherInterceptsCost_Base:uint64 OtherInterceptsPersec:uint64 ' +
      'OtherMessagesPersec:uint64 PageFaultInterceptsCost:uint64 PageFaultInterceptsCost_Base:uint64 ' +
      'PageFaultInterceptsPersec:uint64 PageInvalidationsCost:uint64 PageInvalidationsCost_Base:uint64 ' +
      'PageInvalidationsPersec:uint64 PageTableAllocationsPersec:uint64 PageTableEvictionsPersec:uint64 ' +
      'PageTableReclamationsPersec:uint64 PageTableResetsPersec:uint64 PageTableValidationsPersec:uint64 ' +
      'PageTableWriteInterceptsPersec:uint64 PendingInterruptsCost:uint64 PendingInterruptsCost_Base:uint64 ' +
      'PendingInterruptsPersec:uint64 PercentGuestRunTime:uint64 PercentGuestRunTime_Base:uint64 ' +
      'PercentHypervisorRunTime:uint64 PercentHypervisorRunTime_Base:uint64 PercentRemoteRunTime:uint64 ' +
      'PercentRemoteRunTime_Base:uint64 PercentTotalRunTime:uint64 PercentTotalRunTime_Base:uint64 ' +
      'ReflectedGuestPageFaultsPersec:uint64 SmallPageTLBFillsPersec:uint64 SyntheticInterruptHypercallsPersec:uint64 ' +
      'SyntheticInterruptsPersec:uint64 Timestamp_Object:uint64 Timestamp_PerfTime:uint64 Timestamp_Sys100NS:uint64 ' +
      'TotalInterceptsCost:uint64 TotalInterceptsCost_Base:uint64 TotalInterceptsPersec:uint64 ' +
      'TotalMessagesPersec:uint64 VirtualInterruptHypercallsPersec:uint64 VirtualInterruptsPersec:uint64 ' +
      'VirtualMMUHypercallsPersec:uint64 VirtualProcessorHypercallsPersec:uint64',
    keys: 'Name',
  },
};
