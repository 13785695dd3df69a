import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine, Snapshot } from '../../model/machine.js';
import { machineOf } from '../machine-methods.js';
import type { MachineObjects } from '../machine-objects.js';
import { type Associated, affectedBy, affecting } from '../objects.js';
import { type FoundSnapshot, snapshotOf } from './snapshots.js';
import type { SwitchObjects } from './switch-objects.js';

/** Objects of version 2, as they are shown. */
interface Shown {
  readonly machines: MachineObjects;
  readonly switches: SwitchObjects;
  settings(machine: Machine): CimObject;
  snapshot(machine: Machine, snapshot: Snapshot): CimObject;
  snapshotDevices(snapshot: Snapshot, machine: Machine): readonly CimObject[];
  features(machine: Machine): readonly CimObject[];
  addresses(machine: Machine): readonly CimObject[];
}

/** What an object of version 2 is associated with. */
export function associatedWith(host: Host, shown: Shown, of: CimObject): Associated {
  if (/^Msvm_VirtualEthernetSwitch(SettingData)?$/.test(of.className)) return shown.switches.associated(of);
  if (/DisplayController$/.test(of.className)) return ofDisplay(shown, machineOf(host, of));
  const ofJob = affectedBy(host, shown.machines, of);
  if (ofJob !== undefined) return ofJob;
  const found = snapshotOf(host, of);
  if (found !== undefined) return ofSnapshot(shown, found);
  const machine = machineOf(host, of);
  if (of.className === 'Msvm_ComputerSystem') return [...ofSystem(shown, machine), ...affecting(host, machine)];
  if (of.className === 'Msvm_VirtualSystemSettingData') return ofSettings(shown, machine);
  return ofDevice(shown, machine, of);
}

function ofDisplay({ machines }: Shown, machine: Machine): Associated {
  const heads = machines.logical(machine).filter(({ className }) => className === 'Msvm_VideoHead');
  return heads.map((each) => ['Msvm_VideoHeadOnController', each]);
}

function ofSystem(shown: Shown, machine: Machine): Associated {
  const snapshots = machine.snapshots.map((each) => ['Msvm_SnapshotOfVirtualSystem', shown.snapshot(machine, each)] as const);
  const last = machine.snapshots.find(({ id }) => id === machine.lastSnapshot);
  return [
    ['Msvm_SettingsDefineState', shown.settings(machine)],
    ...shown.machines.logical(machine).map((each) => ['Msvm_SystemDevice', each] as const),
    ...snapshots,
    ...(last === undefined ? [] : [['Msvm_MostCurrentSnapshotInBranch', shown.snapshot(machine, last)] as const]),
  ];
}

function ofSettings({ machines }: Shown, machine: Machine): Associated {
  return [
    ['Msvm_SettingsDefineState', machines.system(machine)],
    ...machines.devices(machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
  ];
}

function ofSnapshot(shown: Shown, { machine, snapshot }: FoundSnapshot): Associated {
  return [
    ['Msvm_SnapshotOfVirtualSystem', shown.machines.system(machine)],
    ...shown.snapshotDevices(snapshot, machine).map((each) => ['Msvm_VirtualSystemSettingDataComponent', each] as const),
  ];
}

function ofDevice(shown: Shown, machine: Machine, of: CimObject): Associated {
  const id = textOfValue(of, 'InstanceID') ?? '';
  const connected = [...machine.features].filter(([, { connection }]) => connection.toLowerCase() === id.toLowerCase()).map(([key]) => key);
  const features = shown.features(machine).filter((each) => connected.includes(String(each.values['InstanceID'])));
  const addresses = shown.addresses(machine).filter((each) => String(each.values['InstanceID']).includes(id.slice(id.indexOf('\\'))));
  return [
    ['Msvm_VirtualSystemSettingDataComponent', shown.settings(machine)],
    ...features.map((each) => ['Msvm_EthernetPortSettingDataComponent', each] as const),
    ...addresses.map((each) => ['Msvm_SettingDataComponent', each] as const),
  ];
}
