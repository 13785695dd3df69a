import type { Signatures } from '../../cim/signature.js';
import { commonSignatures } from '../common-signatures.js';

/** As Microsoft documents them (learn.microsoft.com, `windows/win32/hyperv_v2`), of the methods that are here. */
export const signatures: Signatures = {
  ...commonSignatures,
  'Msvm_VirtualSystemManagementService.DefineSystem':
    'SystemSettings:instance ResourceSettings:instance[] ReferenceConfiguration:ref > ResultingSystem:ref Job:ref',
  'Msvm_VirtualSystemManagementService.DestroySystem': 'AffectedSystem:ref > Job:ref',
  'Msvm_VirtualSystemManagementService.ModifySystemSettings': 'SystemSettings:instance > Job:ref',
  'Msvm_VirtualSystemManagementService.GetVirtualSystemThumbnailImage':
    'TargetSystem:ref WidthPixels:uint16 HeightPixels:uint16 > ImageData:uint8[]',
  'Msvm_VirtualSystemManagementService.AddResourceSettings':
    'AffectedConfiguration:ref ResourceSettings:instance[] > ResultingResourceSettings:ref[] Job:ref',
  'Msvm_VirtualSystemManagementService.ModifyResourceSettings': 'ResourceSettings:instance[] > ResultingResourceSettings:ref[] Job:ref',
  'Msvm_VirtualSystemManagementService.RemoveResourceSettings': 'ResourceSettings:ref[] > Job:ref',
  'Msvm_VirtualSystemManagementService.AddFeatureSettings':
    'AffectedConfiguration:ref FeatureSettings:instance[] > ResultingFeatureSettings:ref[] Job:ref',
  'Msvm_VirtualSystemManagementService.RemoveFeatureSettings': 'FeatureSettings:ref[] > Job:ref',
  'Msvm_VirtualSystemSnapshotService.CreateSnapshot':
    'AffectedSystem:ref SnapshotSettings:instance SnapshotType:uint16 ResultingSnapshot:ref > ResultingSnapshot:ref Job:ref',
  'Msvm_VirtualSystemSnapshotService.ApplySnapshot': 'Snapshot:ref > Job:ref',
  'Msvm_VirtualSystemSnapshotService.DestroySnapshot': 'AffectedSnapshot:ref > Job:ref',
  'Msvm_VirtualEthernetSwitchManagementService.DefineSystem':
    'SystemSettings:instance ResourceSettings:instance[] ReferenceConfiguration:ref > ResultingSystem:ref Job:ref',
  'Msvm_VirtualEthernetSwitchManagementService.DestroySystem': 'AffectedSystem:ref > Job:ref',
  'Msvm_VirtualEthernetSwitchManagementService.ModifySystemSettings': 'SystemSettings:instance > Job:ref',
  'Msvm_VirtualEthernetSwitchManagementService.AddResourceSettings':
    'AffectedConfiguration:ref ResourceSettings:instance[] > ResultingResourceSettings:ref[] Job:ref',
  'Msvm_VirtualEthernetSwitchManagementService.RemoveResourceSettings': 'ResourceSettings:ref[] > Job:ref',
  'Msvm_ImageManagementService.CreateVirtualHardDisk': 'VirtualDiskSettingData:instance > Job:ref',
  'Msvm_ImageManagementService.ResizeVirtualHardDisk': 'Path MaxInternalSize:uint64 > Job:ref',
  'Msvm_ImageManagementService.ConvertVirtualHardDisk': 'SourcePath VirtualDiskSettingData:instance > Job:ref',
  'Msvm_ImageManagementService.ValidateVirtualHardDisk': 'Path > Job:ref',
  'Msvm_ImageManagementService.GetVirtualHardDiskSettingData': 'Path > SettingData:instance Job:ref',
  'Msvm_ImageManagementService.GetVirtualHardDiskState': 'Path > State:instance Job:ref',
  'Msvm_ShutdownComponent.InitiateReboot': 'Force:boolean Reason',
};
