import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, parsePath, typedValues, type Values } from '../cim/object.js';
import { type Device, parentMark } from './device.js';
import { fileOf, imagesOf, userOf } from './files.js';
import type { Host } from './host.js';
import type { Machine } from './machine.js';
import { type ResourceTypes, typesBySubType, type Words } from './words.js';

const refuse = (why: string, code: number = codes.cim.invalidParameter): never => {
  throw new Refusal(code, why);
};

/** A part as it was given, made one of the machine. @throws Refusal */
export async function addDevice(host: Host, machine: Machine, given: CimObject): Promise<Device> {
  const className = classOf(host, given);
  const cimClass = host.words.classes.find(className);
  if (cimClass === undefined) return refuse(`The class ${given.className} is not a part of a virtual machine.`);
  const values = withDefaults(host.words, typedValues(cimClass, given.values));
  const suffix = await placeOf(host, machine, values);
  const added: Device = { className, suffix, values: { ...values, ...placeIn(machine, suffix) } };
  machine.devices = [...machine.devices, added];
  machine.writes += 1;
  return added;
}

/** Clients send a disk as any setting data; what it is, its type says. */
function classOf({ words }: Host, { className, values }: CimObject): string {
  const type = [values['ResourceType'] ?? ''].flat()[0];
  if (type === words.types.image) return words.imageClass;
  if (type === words.types.connection && words.mode === 'v2') return 'Msvm_EthernetPortAllocationSettingData';
  if (type === words.types.processor || type === words.types.memory)
    refuse('A virtual machine has one processor setting and one memory setting.');
  return className;
}

function withDefaults({ types }: Words, values: Values): Values {
  const isCard = values['ResourceType'] === types.card;
  const isConnection = values['ResourceType'] === types.connection;
  return {
    ConsumerVisibility: '3',
    VirtualQuantity: '1',
    AutomaticAllocation: 'true',
    AutomaticDeallocation: 'true',
    ...(isCard ? { Address: '000000000000', StaticMacAddress: 'false', ElementName: 'Network Adapter' } : {}),
    ...(isConnection ? { EnabledState: '2' } : {}),
    ...values,
  };
}

/** Of what says neither, and of sub types that are not known here, nothing is said. */
function mustAgree(types: ResourceTypes, type: string, subType: string): void {
  const named = Object.entries(typesBySubType).find(([name]) => subType.endsWith(name))?.[1];
  if (named !== undefined && types[named] !== type) refuse(`'${subType}' is of type ${types[named]}, not ${type}.`);
}

async function placeOf(host: Host, machine: Machine, values: Values): Promise<string> {
  const type = String(values['ResourceType'] ?? '');
  const { types } = machine.words;
  mustAgree(types, type, String(values['ResourceSubType'] ?? ''));
  const fresh = `\\${randomUUID().toUpperCase()}`;
  if (type === types.scsi) return addController(machine, fresh);
  if (type === types.diskDrive || type === types.dvdDrive) return addDrive(machine, values);
  if (type === types.image) return addImage(host, machine, values);
  if (type === types.card) return addCard(machine, fresh);
  if (type === types.connection) return plug(host, machine, values);
  return refuse(`A resource of type ${type || '(none)'} cannot be added.`);
}

/** A drive that was given no place has got one, and says which. */
function placeIn({ words }: Machine, suffix: string): Values {
  const place = /\\(\d+)\\D$/.exec(suffix)?.[1];
  return place === undefined ? {} : { [words.place]: place };
}

function addController(machine: Machine, suffix: string): string {
  mustBeOff(machine);
  const there = machine.devices.filter(({ values }) => values['ResourceType'] === machine.words.types.scsi).length;
  if (there >= 4) refuse('A virtual machine has at most 4 SCSI controllers.');
  return `${suffix}\\0`;
}

/** IDE has two places, SCSI 64; nothing is added to IDE while the machine runs. */
function addDrive(machine: Machine, values: Values): string {
  const controller = parentOf(machine, values, [machine.words.types.ide, machine.words.types.scsi]);
  const isIde = controller.values['ResourceType'] === machine.words.types.ide;
  if (isIde) mustBeOff(machine);
  else if (machine.generation === 1 && values['ResourceType'] === machine.words.types.dvdDrive) refuse('A DVD drive is on IDE.');
  const { place } = machine.words;
  const taken = childrenOf(machine, controller).map((each) => String(each.values[place] ?? ''));
  const wanted = String(values[place] ?? '');
  const at = wanted === '' ? firstFree(taken) : wanted;
  if (!/^\d+$/.test(at) || Number(at) >= (isIde ? 2 : 64)) refuse(`The controller has no place '${at}'.`);
  if (taken.includes(at)) refuse(`The place ${at} of the controller is taken.`);
  return `${controller.suffix}\\${at}\\D`;
}

const firstFree = (taken: readonly string[]): string => {
  let at = 0;
  while (taken.includes(String(at))) at += 1;
  return String(at);
};

async function addImage(host: Host, machine: Machine, values: Values): Promise<string> {
  const drive = parentOf(machine, values, [machine.words.types.diskDrive, machine.words.types.dvdDrive, machine.words.types.floppyDrive]);
  if (childrenOf(machine, drive).length > 0) refuse('There is an image in the drive already.');
  await mustBeUsable(host, machine, values);
  return drive.suffix.replace(/\\D$/, '\\L');
}

async function mustBeUsable(host: Host, machine: Machine, values: Values): Promise<void> {
  const file = [values[machine.words.file] ?? ''].flat()[0] ?? '';
  if (!(await host.options.store.exists(file))) refuse(`The system cannot find the file specified: '${file}'.`, codes.fileNotFound);
  const isDisk = /\.a?vhdx?$/i.test(file);
  if (machine.generation === 2 && /\.a?vhd$/i.test(file)) refuse('A virtual machine of generation 2 has VHDX alone.');
  if (isDisk) await host.options.store.image(file);
  if (isDisk && machine.state !== 'off' && userOf(host, file, machine) !== undefined)
    refuse(`The process cannot access the file '${file}' because it is being used by another process.`, codes.inUse);
}

function addCard(machine: Machine, suffix: string): string {
  if (machine.state !== 'off' && machine.generation === 1)
    refuse('A network adapter cannot be added while it runs.', codes.cim.invalidState);
  return suffix;
}

function plug(host: Host, machine: Machine, values: Values): string {
  const card = parentOf(machine, values, [machine.words.types.card]);
  if (childrenOf(machine, card).length > 0) refuse('The network adapter is plugged in already.');
  mustLeadToSwitch(host, values);
  return `${card.suffix}\\C`;
}

function mustLeadToSwitch(host: Host, values: Values): void {
  for (const path of [values['HostResource'] ?? []].flat()) {
    const id = keyIn(path, 'Name');
    if (!host.switches.has(id.toUpperCase())) refuse(`There is no switch '${path}'.`);
  }
}

/** Of version 1. */
function mustLeadToPort(host: Host, values: Values): void {
  for (const path of [values['Connection'] ?? []].flat().filter((each) => each !== '')) {
    const ports = host.switches.get(keyIn(path, 'SystemName').toUpperCase())?.ports ?? [];
    if (!ports.some((port) => port.values['Name'] === keyIn(path, 'Name'))) refuse(`There is no port '${path}'.`);
  }
}

const keyIn = (path: string, key: string): string => parsePath(path)?.keys.find(([name]) => name === key)?.[1] ?? '';

function mustBeOff(machine: Machine): void {
  if (machine.state !== 'off' || machine.transition !== undefined)
    refuse(`'${machine.name}' has to be off for that.`, codes.cim.invalidState);
}

function parentOf(machine: Machine, values: Values, types: readonly string[]): Device {
  const found = deviceAt(machine, String(values['Parent'] ?? ''));
  if (found === undefined || !types.includes(String(found.values['ResourceType'])))
    return refuse(`'${values['Parent']}' is no parent of it.`);
  return found;
}

/** The part of the machine to which a path leads. */
export function deviceAt(machine: Machine, path: string): Device | undefined {
  const mark = machine.devices.find((each) => parentMark(each) === path);
  const id = parsePath(path)?.keys.find(([name]) => name.toLowerCase() === 'instanceid')?.[1];
  return mark ?? (id === undefined ? undefined : machine.device(id));
}

export const childrenOf = (machine: Machine, of: Device): readonly Device[] =>
  machine.devices.filter(({ values }) => deviceAt(machine, String(values['Parent'] ?? '')) === of);

/** What differs is replaced; the part is found by its InstanceID. @throws Refusal */
export async function modifyDevice(host: Host, machine: Machine, of: Device, given: CimObject): Promise<Device> {
  const cimClass = host.words.classes.find(of.className);
  const { InstanceID: _, ...values } = cimClass === undefined ? given.values : typedValues(cimClass, given.values);
  if (of.className === 'Msvm_ProcessorSettingData') checkProcessor(host, machine, values);
  if (of.className === 'Msvm_MemorySettingData') checkMemory(host, machine, { ...of.values, ...values }, values);
  if (of.values['ResourceType'] === machine.words.types.connection) mustLeadToSwitch(host, values);
  if (of.values['ResourceType'] === machine.words.types.card && host.words.mode === 'v1') mustLeadToPort(host, values);
  if (of.values['ResourceType'] === machine.words.types.serial) checkPipe(machine, values);
  if (of.values['ResourceType'] === machine.words.types.image && values[machine.words.file] !== undefined)
    await mustBeUsable(host, machine, values);
  machine.replaceDevice(of, values);
  return machine.device(machine.deviceId(of)) ?? of;
}

/** Whether a port could be led elsewhere while its machine runs nobody has tried: here it cannot. */
function checkPipe(machine: Machine, { Connection = [] }: Values): void {
  const pipe = [Connection].flat()[0] ?? '';
  if (pipe !== '' && !/^\\\\[^\\]+\\pipe\\[^\\]+$/i.test(pipe)) refuse(`'${pipe}' is no named pipe.`);
  mustBeOff(machine);
}

function checkProcessor(host: Host, machine: Machine, values: Values): void {
  const count = Number(values['VirtualQuantity'] ?? 1);
  if (!Number.isSafeInteger(count) || count < 1 || count > Math.min(64, host.options.cpus)) refuse(`It cannot have ${count} processors.`);
  if (values['VirtualQuantity'] !== undefined) mustBeOff(machine);
}

/** In MiB, and even. A machine that runs takes another size only where nothing of it is dynamic: then it has no bounds. */
function checkMemory(host: Host, machine: Machine, all: Values, changed: Values): void {
  const isDynamic = all['DynamicMemoryEnabled'] === 'true';
  const [size = 0, least = 0, most = 0] = ['VirtualQuantity', 'Reservation', 'Limit'].map((name) => Number(all[name] ?? 32));
  for (const each of isDynamic ? [size, least, most] : [size])
    if (!Number.isSafeInteger(each) || each < 32 || each % 2 !== 0) refuse(`It cannot have ${each} MB of memory.`);
  if (isDynamic && (least > size || most < size)) refuse(`${size} MB is not between the least, ${least} MB, and the most, ${most} MB.`);
  const buffer = Number(all['TargetMemoryBuffer'] ?? 20);
  if (!Number.isSafeInteger(buffer) || buffer < 5 || buffer > 2000) refuse(`A buffer cannot be ${buffer} %.`);
  if (isDynamic && !host.options.hasDynamicMemory) refuse('There is no dynamic memory.', codes.notSupported);
  if (changed['DynamicMemoryEnabled'] !== undefined || isDynamic) mustBeOff(machine);
}

/** Images go before their drives, and drives before their controllers; what a card is plugged into goes with it. @throws Refusal */
export function removeDevice(machine: Machine, of: Device): void {
  const children = childrenOf(machine, of);
  const isCard = of.values['ResourceType'] === machine.words.types.card;
  if (children.length > 0 && !isCard) refuse('There is something in it.', codes.cim.invalidState);
  const isIdeDrive =
    of.suffix.endsWith('\\D') &&
    parentOf(machine, of.values, [machine.words.types.ide, machine.words.types.scsi]).values['ResourceType'] === machine.words.types.ide;
  if (isIdeDrive || (isCard && machine.generation === 1)) mustBeOff(machine);
  machine.devices = machine.devices.filter((each) => each !== of && !(isCard && children.includes(each)));
  machine.features = new Map([...machine.features].filter(([, { connection }]) => machine.device(connection) !== undefined));
  machine.writes += 1;
}

/** Files that the machine has in its drives. */
export const filesOf = (machine: Machine): readonly string[] => imagesOf(machine).map((image) => fileOf(machine, image));
