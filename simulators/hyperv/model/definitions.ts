import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, typedValues, type Values } from '../cim/object.js';
import { bornWith } from './device.js';
import type { Host } from './host.js';
import { Machine } from './machine.js';
import { addDevice } from './resources.js';

const noIdentity = [
  'InstanceID',
  'VirtualSystemIdentifier',
  'SystemName',
  'VirtualSystemType',
  'ConfigurationID',
  'CreationTime',
  'SettingType',
];

/** Makes a machine as the settings say; names need not be unique. @throws Refusal, and there is none then */
export async function defineMachine(host: Host, settings: CimObject, resources: readonly CimObject[]): Promise<Machine> {
  const own = ownSettings(host, settings);
  const id = randomUUID().toUpperCase();
  const generation = String(own['VirtualSystemSubType'] ?? '').endsWith(':2') ? 2 : 1;
  const machine = new Machine(id, host.words, { ...usualSettings(host, id), ...own }, bornWith(host.words, generation));
  for (const resource of resources) await addDevice(host, machine, resource);
  host.machines.set(id, machine);
  return machine;
}

function usualSettings({ words }: Host, id: string): Values {
  const root = 'C:\\ProgramData\\Microsoft\\Windows\\Hyper-V';
  return {
    ElementName: 'New Virtual Machine',
    CreationTime: new Date().toISOString(),
    BIOSGUID: `{${randomUUID().toUpperCase()}}`,
    BIOSSerialNumber: id.slice(0, 28),
    AutomaticStartupAction: words.mode === 'v2' ? '3' : '1',
    AutomaticShutdownAction: words.mode === 'v2' ? '3' : '2',
    AutomaticRecoveryAction: words.mode === 'v2' ? '3' : '2',
    SnapshotDataRoot: root,
    ...(words.mode === 'v2' ? usualV2(root) : { ExternalDataRoot: root }),
  };
}

const usualV2 = (root: string): Values => ({
  Notes: [],
  ConfigurationDataRoot: root,
  SuspendDataRoot: root,
  SwapFileDataRoot: root,
  LogDataRoot: root,
  VirtualSystemSubType: 'Microsoft:Hyper-V:SubType:1',
  BootOrder: ['1', '2', '3', '0'],
  SecureBootEnabled: 'false',
  Version: '9.0',
  VirtualNumaEnabled: 'true',
  IsSaved: 'false',
  UserSnapshotType: '3',
});

/** @throws Refusal */
export function modifyMachine(host: Host, machine: Machine, settings: CimObject): void {
  const { CreationTime: _, ...own } = ownSettings(host, settings);
  const subType = own['VirtualSystemSubType'];
  if (subType !== undefined && subType !== machine.settings['VirtualSystemSubType'])
    throw new Refusal(codes.cim.invalidParameter, 'The generation of a virtual machine cannot be changed.');
  const order = own['BootOrder'];
  if (order !== undefined && [...order].sort().join() !== '0,1,2,3')
    throw new Refusal(codes.cim.invalidParameter, 'BootOrder has to name each of 0, 1, 2 and 3 once.');
  const needsOff = ['SecureBootEnabled', 'BIOSSerialNumber', 'BIOSGUID', 'VirtualNumaEnabled'].filter((name) => own[name] !== undefined);
  if (needsOff.length > 0 && machine.state !== 'off')
    throw new Refusal(codes.cim.invalidState, `'${machine.name}' has to be off for a change of ${needsOff.join(', ')}.`);
  machine.settings = { ...machine.settings, ...own };
  machine.writes += 1;
}

/** As both versions' classes write them; what says which machine it is is not the client's to say. */
function ownSettings({ words }: Host, { className, values }: CimObject): Values {
  const cimClass = words.classes.find(className);
  if (cimClass === undefined || !/^Msvm_VirtualSystem(Global)?SettingData$/.test(cimClass.name))
    throw new Refusal(codes.cim.invalidParameter, `${className} is not the settings of a virtual machine.`);
  const typed = typedValues(cimClass, values);
  if (typed['ElementName'] === '') throw new Refusal(codes.cim.invalidParameter, 'A virtual machine cannot be without a name.');
  return Object.fromEntries(Object.entries(typed).filter(([name]) => !noIdentity.includes(name)));
}

/** Its disks stay. @throws Refusal unless it is off or saved */
export function destroyMachine(host: Host, machine: Machine): void {
  if (machine.transition !== undefined || !['off', 'saved'].includes(machine.state))
    throw new Refusal(codes.cim.invalidState, `'${machine.name}' cannot be deleted in its current state.`);
  host.machines.delete(machine.id);
}
