import type { Signatures } from '../../cim/signature.js';
import { commonSignatures } from '../common-signatures.js';

/** As Microsoft documented them (github.com/MicrosoftDocs/win32, `desktop-src/Virtual`, commit 66168cf), of the methods that are here. */
export const signatures: Signatures = {
  ...commonSignatures,
  'Msvm_VirtualSystemManagementService.DefineVirtualSystem':
    'SystemSettingData:instance ResourceSettingData:instance[] SourceSetting:ref > DefinedSystem:ref Job:ref',
  'Msvm_VirtualSystemManagementService.ModifyVirtualSystem':
    'ComputerSystem:ref SystemSettingData:instance > ModifiedSettingData:ref Job:ref',
  'Msvm_VirtualSystemManagementService.DestroyVirtualSystem': 'ComputerSystem:ref > Job:ref',
  'Msvm_VirtualSystemManagementService.GetVirtualSystemThumbnailImage':
    'TargetSystem:ref WidthPixels:uint16 HeightPixels:uint16 > ImageData:uint8[]',
  'Msvm_VirtualSystemManagementService.AddVirtualSystemResources':
    'TargetSystem:ref ResourceSettingData:instance[] > NewResources:ref[] Job:ref',
  'Msvm_VirtualSystemManagementService.ModifyVirtualSystemResources': 'ComputerSystem:ref ResourceSettingData:instance[] > Job:ref',
  'Msvm_VirtualSystemManagementService.RemoveVirtualSystemResources': 'TargetSystem:ref ResourceSettingData:ref[] > Job:ref',
  'Msvm_VirtualSystemManagementService.CreateVirtualSystemSnapshot': 'SourceSystem:ref > SnapshotSettingData:ref Job:ref',
  'Msvm_VirtualSystemManagementService.ApplyVirtualSystemSnapshotEx': 'ComputerSystem:ref SnapshotSettingData:ref > Job:ref',
  'Msvm_VirtualSystemManagementService.RemoveVirtualSystemSnapshot': 'SnapshotSettingData:ref > Job:ref',
  'Msvm_VirtualSwitchManagementService.CreateSwitch':
    'Name FriendlyName NumLearnableAddresses:uint32 ScopeOfResidence > CreatedVirtualSwitch:ref',
  'Msvm_VirtualSwitchManagementService.DeleteSwitch': 'VirtualSwitch:ref',
  'Msvm_VirtualSwitchManagementService.CreateSwitchPort': 'VirtualSwitch:ref Name FriendlyName ScopeOfResidence > CreatedSwitchPort:ref',
  'Msvm_VirtualSwitchManagementService.DeleteSwitchPort': 'SwitchPort:ref',
  'Msvm_VirtualSwitchManagementService.CreateInternalEthernetPort': 'Name FriendlyName MacAddress > CreatedInternalEthernetPort:ref',
  'Msvm_VirtualSwitchManagementService.CreateInternalEthernetPortDynamicMac': 'Name FriendlyName > CreatedInternalEthernetPort:ref',
  'Msvm_VirtualSwitchManagementService.DeleteInternalEthernetPort': 'InternalEthernetPort:ref',
  'Msvm_VirtualSwitchManagementService.ConnectSwitchPort': 'SwitchPort:ref LANEndpoint:ref > ActiveConnection:ref',
  'Msvm_VirtualSwitchManagementService.DisconnectSwitchPort': 'SwitchPort:ref',
  'Msvm_VirtualSwitchManagementService.BindExternalEthernetPort': 'ExternalEthernetPort:ref',
  'Msvm_VirtualSwitchManagementService.UnbindExternalEthernetPort': 'ExternalEthernetPort:ref',
  'Msvm_VirtualSwitchManagementService.SetupSwitch':
    'ExternalSwitchPort:ref InternalSwitchPort:ref ExternalEthernetPort:ref InternalEthernetPortName InternalEthernetPortFriendlyName > Job:ref',
  'Msvm_VirtualSwitchManagementService.TeardownSwitch': 'ExternalEthernetPort:ref InternalEthernetPort:ref > Job:ref',
  'Msvm_ImageManagementService.CreateDynamicVirtualHardDisk': 'Path MaxInternalSize:uint64 > Job:ref',
  'Msvm_ImageManagementService.CreateFixedVirtualHardDisk': 'Path MaxInternalSize:uint64 > Job:ref',
  'Msvm_ImageManagementService.CreateDifferencingVirtualHardDisk': 'Path ParentPath > Job:ref',
  'Msvm_ImageManagementService.ExpandVirtualHardDisk': 'Path MaxInternalSize:uint64 > Job:ref',
  'Msvm_ImageManagementService.ConvertVirtualHardDisk': 'SourcePath DestinationPath Type:uint16 > Job:ref',
  'Msvm_ImageManagementService.GetVirtualHardDiskInfo': 'Path > Info:instance Job:ref',
  'Msvm_NetworkJob.RequestStateChange': 'RequestedState:uint16 TimeoutPeriod:datetime',
  'Msvm_NetworkJob.GetErrorEx': '> Errors:instance[]',
};
