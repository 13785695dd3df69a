import type {
  Firmware,
  Found,
  Glance,
  Hardware,
  Machine,
  MachineDisk,
  MachineId,
  MachineInterface,
  MachineShape,
  PowerState,
} from '#drivers/driver.js';
import { parseJson } from '#drivers/owner.js';
import { child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typeOf } from '../soap/names.js';
import type { Properties } from '../soap/properties.js';
import { boolean, integer, type Ref, text } from '../soap/types.js';
import { readDisks } from './disk.js';
import { type PortGroup, readInterfaces } from './interface.js';
import { type Extra, type Key, keys, managedBy, readMark } from './mark.js';
import { powerOf } from './power-state.js';
import { serialPortOf } from './serial.js';

/** What is read of every machine. Little, as there may be a thousand. */
export const glancePaths = [
  'name',
  'config.instanceUuid',
  'config.uuid',
  'config.template',
  'runtime.powerState',
  'runtime.cleanPowerOff',
  'runtime.connectionState',
] as const;

const extraPath = (key: Key) => `config.extraConfig["${key}"].value`;

/** What is read of a machine in full, but for its devices. */
export const machinePaths = [
  ...glancePaths,
  'config.changeVersion',
  'config.guestId',
  'config.firmware',
  'config.version',
  'config.files.vmPathName',
  'config.managedBy',
  'config.hardware.numCPU',
  'config.hardware.memoryMB',
  'snapshot',
  ...Object.values(keys).map(extraPath),
];

/** A machine as the host has it. */
export interface NativeMachine {
  readonly ref: Ref;
  readonly glance: Glance;
  /** `connected`, unless the host cannot read the machine's files, or vCenter does not reach the host. */
  readonly connection: string;
  readonly changeVersion: string;
  readonly guestId: string;
  readonly firmware: string;
  readonly version: string;
  /** Its definition, as `[datastore] folder/name.vmx`; undefined when the host does not tell. */
  readonly file: string | undefined;
  /** Another product that manages the machine. */
  readonly manager: string | undefined;
  readonly hasSnapshots: boolean;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly extra: Extra;
  /** Of a machine without a mark they are not asked for. */
  readonly devices: readonly XmlElement[];
}

export function isTemplate(properties: Properties): boolean {
  return properties.get('config.template', boolean) === true;
}

export function readGlance(properties: Properties): Glance {
  const uuid = properties.get('config.instanceUuid', text) || properties.get('config.uuid', text) || '';
  return {
    id: properties.ref.value as MachineId,
    uuid: uuid.toLowerCase(),
    nativeName: decodeName(properties.get('name', text) ?? ''),
    power: powerOf(properties.get('runtime.powerState', text), properties.get('runtime.cleanPowerOff', boolean)),
  };
}

/** vSphere keeps three characters of a name as codes. */
export function decodeName(name: string): string {
  return name.replace(/%(2f|5c|25)/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

export function encodeName(name: string): string {
  return name.replace(/[%/\\]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

export function readNative(properties: Properties, devices: readonly XmlElement[]): NativeMachine {
  const word = (path: string) => properties.get(path, text) ?? '';
  const extra = Object.values(keys).map((key) => [key, properties.element(extraPath(key))] as const);
  const extension = textOf(child(properties.element('config.managedBy'), 'extensionKey')) ?? '';
  return {
    ref: properties.ref,
    glance: readGlance(properties),
    connection: word('runtime.connectionState'),
    changeVersion: word('config.changeVersion'),
    guestId: word('config.guestId'),
    firmware: word('config.firmware'),
    version: word('config.version'),
    file: word('config.files.vmPathName') || undefined,
    manager: extension === '' || extension === managedBy.extensionKey ? undefined : extension,
    hasSnapshots: elements(properties.element('snapshot'), 'rootSnapshotList').length > 0,
    cpuCount: properties.get('config.hardware.numCPU', integer) ?? 0,
    memoryBytes: (properties.get('config.hardware.memoryMB', integer) ?? 0) * 2 ** 20,
    extra: Object.fromEntries(extra.flatMap(([key, value]) => (value === undefined ? [] : [[key, textOf(value) ?? '']]))),
    devices,
  };
}

/** What the machine has now. */
export function shapeOf(native: NativeMachine, groups: readonly PortGroup[]): MachineShape {
  return {
    cpuCount: native.cpuCount,
    memoryBytes: native.memoryBytes,
    disks: readDisks(native.devices, native.extra),
    interfaces: readInterfaces(native.devices, native.extra, groups),
    serial: serialPortOf(native.devices) !== undefined,
    rng: false,
    firmware: firmwareOf(native),
    vsphere: { guestId: native.guestId },
  };
}

export function firmwareOf({ firmware }: Pick<NativeMachine, 'firmware'>): Firmware {
  return firmware === 'efi' ? 'UEFI' : 'BIOS';
}

/** What a definition may change from one start to the next. */
export interface Next {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly disks: readonly MachineDisk[];
  readonly interfaces: readonly MachineInterface[];
  readonly serial: boolean;
  readonly firmware?: Firmware;
  readonly guestId?: string;
}

export function nextOf({ cpuCount, memoryBytes, disks, interfaces, serial, firmware, vsphere }: MachineShape): Next {
  const chosen = { ...(firmware === undefined ? {} : { firmware }), ...(vsphere === undefined ? {} : { guestId: vsphere.guestId }) };
  return { cpuCount, memoryBytes, disks, interfaces, serial, ...chosen };
}

/** What was kept for the next start. Written by us; what a hand has made of it, and is none, counts as nothing. */
export function readNext(extra: Extra): Next | undefined {
  const found = parseJson(extra[keys.next]) as Partial<Next> | undefined | null;
  const isWhole = typeof found?.cpuCount === 'number' && typeof found.memoryBytes === 'number';
  if (!isWhole || !Array.isArray(found.disks) || !Array.isArray(found.interfaces)) return undefined;
  return { ...(found as Next), serial: found.serial === true };
}

/** What it will have at its next start: the host's choices are those that it has made already. */
export function configuredOf(native: NativeMachine, groups: readonly PortGroup[]): MachineShape {
  const shape = shapeOf(native, groups);
  const next = readNext(native.extra);
  if (next === undefined) return shape;
  const { guestId = native.guestId, ...hardware } = next;
  const filled = <T extends { readonly name: string }>(wanted: readonly T[], is: readonly T[]) =>
    wanted.map((one) => ({ ...is.find(({ name }) => name === one.name), ...one }));
  const [disks, interfaces] = [filled(next.disks, shape.disks), filled(next.interfaces, shape.interfaces)];
  return { ...shape, ...hardware, disks, interfaces, vsphere: { guestId } };
}

export function machineOf(native: NativeMachine, groups: readonly PortGroup[], found: Found | undefined): Machine {
  const mark = readMark(native.extra);
  return {
    ...native.glance,
    ...(mark === undefined ? {} : { mark }),
    configured: configuredOf(native, groups),
    ...(isOff(native.glance.power) ? {} : { live: shapeOf(native, groups) }),
    hardware: hardwareOf(native),
    ...(found === undefined ? {} : { found }),
  };
}

export const isOff = ({ state }: PowerState): boolean => state === 'Off';

function hardwareOf(native: NativeMachine): Hardware {
  const controller = native.devices.map((device) => typeOf(device) ?? '').find((type) => /SCSIController|LsiLogic/.test(type));
  return {
    machine: native.version,
    guestId: native.guestId,
    firmware: firmwareOf(native),
    ...(controller === undefined ? {} : { diskController: controller }),
  };
}
