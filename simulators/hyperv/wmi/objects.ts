import type { CimObject } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { jobObject } from '../model/jobs.js';
import type { Machine, Snapshot } from '../model/machine.js';
import { kvpSettings } from './kvp.js';
import type { MachineObjects } from './machine-objects.js';

export type Associated = readonly (readonly [assocClass: string, other: CimObject])[];

/** Classes whose objects are made together. */
export interface Group {
  readonly of: readonly string[];
  readonly objects: () => readonly CimObject[];
}

/** Of these groups, only what is asked for is made. */
export const chosen = (groups: readonly Group[], isMeant: (className: string) => boolean): readonly CimObject[] =>
  groups.filter(({ of }) => of.some(isMeant)).flatMap(({ objects }) => objects().filter(({ className }) => isMeant(className)));

/** What a version says in its own way. */
export interface Version {
  readonly machines: MachineObjects;
  readonly services: readonly string[];
  readonly logicalClasses: readonly string[];
  settings(machine: Machine): CimObject;
  snapshot(machine: Machine, snapshot: Snapshot): CimObject;
}

/** What both versions have. */
export function commonGroups(host: Host, version: Version): readonly Group[] {
  const { machines, services, logicalClasses } = version;
  const settings = (machine: Machine) => [version.settings(machine), ...machine.snapshots.map((each) => version.snapshot(machine, each))];
  return [
    { of: ['Msvm_ComputerSystem'], objects: () => [machines.hostSystem(), ...ofEach(host, (machine) => [machines.system(machine)])] },
    { of: ['Msvm_VirtualSystemSettingData'], objects: () => ofEach(host, settings) },
    { of: ['Msvm_KvpExchangeComponentSettingData'], objects: () => ofEach(host, (machine) => [kvpSettings(machine)]) },
    { of: logicalClasses, objects: () => ofEach(host, (machine) => machines.logical(machine)) },
    { of: ['Msvm_ConcreteJob', 'Msvm_StorageJob', 'Msvm_NetworkJob', 'CIM_ConcreteJob'], objects: () => host.jobs.all.map(jobObject) },
    { of: ['Msvm_VirtualSystemManagementServiceSettingData'], objects: () => [serviceSettings(host)] },
    { of: services, objects: () => services.map((name) => serviceObject(host, name)) },
  ];
}

const affected = 'Msvm_AffectedJobElement';

/** Jobs that are, or were, about a machine. */
export const affecting = (host: Host, { id }: Machine): Associated =>
  host.jobs.all.filter(({ affects }) => affects === id).map((job) => [affected, jobObject(job)]);

/** The machine that a job is about; undefined when it is no job. */
export function affectedBy(host: Host, machines: MachineObjects, of: CimObject): Associated | undefined {
  const job = /Job$/.test(of.className) ? host.jobs.find(String(of.values['InstanceID'])) : undefined;
  if (job === undefined) return undefined;
  const machine = host.machines.get(job.affects ?? '');
  return machine === undefined ? [] : [[affected, machines.system(machine)]];
}

export const ofEach = (host: Host, of: (machine: Machine) => readonly CimObject[]): readonly CimObject[] =>
  [...host.machines.values()].flatMap(of);

function serviceObject(host: Host, name: string): CimObject {
  const values = {
    Name: name.replace(/^Msvm_/, ''),
    ElementName: name.replace(/^Msvm_/, ''),
    CreationClassName: name,
    SystemCreationClassName: 'Msvm_ComputerSystem',
    SystemName: host.options.server,
    EnabledState: '2',
    HealthState: '5',
    OperationalStatus: ['2'],
    Started: 'true',
    StartMode: 'Automatic',
  };
  return { className: name, values };
}

function serviceSettings({ options, usualFolder }: Host): CimObject {
  const values = {
    InstanceID: `Microsoft:${options.server}`,
    DefaultExternalDataRoot: 'C:\\ProgramData\\Microsoft\\Windows\\Hyper-V',
    DefaultVirtualHardDiskPath: usualFolder,
    MinimumMacAddress: '00155D000000',
    MaximumMacAddress: '00155D00FFFF',
    NumaSpanningEnabled: 'true',
  };
  return { className: 'Msvm_VirtualSystemManagementServiceSettingData', values };
}
