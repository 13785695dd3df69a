import type { Signatures } from '../cim/signature.js';

/** Of methods that both versions have alike. */
export const commonSignatures: Signatures = {
  'Msvm_VirtualSystemManagementService.AddKvpItems': 'TargetSystem:ref DataItems:instance[] > Job:ref',
  'Msvm_VirtualSystemManagementService.ModifyKvpItems': 'TargetSystem:ref DataItems:instance[] > Job:ref',
  'Msvm_VirtualSystemManagementService.RemoveKvpItems': 'TargetSystem:ref DataItems:instance[] > Job:ref',
  'Msvm_ComputerSystem.RequestStateChange': 'RequestedState:uint16 TimeoutPeriod:datetime > Job:ref',
  'Msvm_ShutdownComponent.InitiateShutdown': 'Force:boolean Reason',
  'Msvm_Keyboard.PressKey': 'keyCode:uint32',
  'Msvm_Keyboard.ReleaseKey': 'keyCode:uint32',
  'Msvm_Keyboard.TypeKey': 'keyCode:uint32',
  'Msvm_Keyboard.TypeText': 'asciiText',
  'Msvm_Keyboard.TypeCtrlAltDel': '',
  'Msvm_ConcreteJob.RequestStateChange': 'RequestedState:uint16 TimeoutPeriod:datetime',
  'Msvm_ConcreteJob.GetErrorEx': '> Errors:instance[]',
  'Msvm_StorageJob.RequestStateChange': 'RequestedState:uint16 TimeoutPeriod:datetime',
  'Msvm_StorageJob.GetErrorEx': '> Errors:instance[]',
};
