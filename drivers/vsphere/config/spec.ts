import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { asciiJson, sameMark } from '#drivers/owner.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { anyText, integer, list, optional, raw, struct, text } from '../soap/types.js';
import { bestBus } from './controller.js';
import { diskChanges } from './disk.js';
import { addressOf, groupNamed, interfaceChanges, type PortGroup } from './interface.js';
import { type Extra, type Key, keys, managedBy, markExtra, readMark } from './mark.js';
import { configuredOf, isOff, type NativeMachine, type Next, nextOf, readNext } from './native.js';
import { serialAnswer, serialChanges } from './serial.js';

const deviceSpec = struct({ operation: text, device: raw }, 'VirtualDeviceConfigSpec');
const option = struct({ key: text, value: anyText }, 'OptionValue');

/** VirtualMachineConfigSpec, as far as we say anything, in the order of its schema. */
const configSpec = struct({
  changeVersion: optional(text),
  name: optional(text),
  uuid: optional(text),
  instanceUuid: optional(text),
  guestId: optional(text),
  files: optional(struct({ vmPathName: text })),
  numCPUs: optional(integer),
  memoryMB: optional(integer),
  deviceChange: list(deviceSpec),
  extraConfig: list(option),
  firmware: optional(text),
  managedBy: optional(struct({ extensionKey: text, type: text })),
});
type ConfigSpec = ReturnType<typeof configSpec.read>;

/** A 64-bit guest of which nothing is known. */
export const unknownGuest = 'otherGuest64';
const nativeFirmware = { BIOS: 'bios', UEFI: 'efi' } as const;

/** A new machine, in a folder of its own on that datastore. */
export function createSpec(definition: MachineDefinition, mark: Mark, datastore: string, groups: readonly PortGroup[]): XmlElement {
  const { uuid, nativeName } = definition;
  const guestId = definition.vsphere?.guestId ?? unknownGuest;
  const wanted = { ...nextOf(definition), guestId };
  const { extraConfig, ...hardware } = hardwareSpec(blank, wanted, groups);
  // What cannot be had yet is noted, and comes with its start.
  const noted = isAhead(blank, wanted, groups) ? { [keys.next]: asciiJson(chosen(uuid, wanted, wanted, guestId)) } : {};
  return element({
    ...hardware,
    name: nativeName,
    // The guest sees the one, and the host knows the machine by the other, which a copy of it does not share.
    uuid: uuid.toLowerCase(),
    instanceUuid: uuid.toLowerCase(),
    files: { vmPathName: `[${datastore}]` },
    extraConfig: [...extraConfig, ...options({ ...markExtra(mark), ...noted })],
    managedBy,
  });
}

/**
 * What of the machine is to be changed; undefined when nothing differs. Hardware is only noted for the next start while the machine runs, and
 * while what it refers to is not there.
 */
export function editSpec(
  native: NativeMachine,
  definition: MachineDefinition,
  mark: Mark,
  groups: readonly PortGroup[],
): XmlElement | undefined {
  const marking = markOptions(native, mark);
  const wanted = nextOf(definition);
  const { disks, interfaces } = configuredOf(native, groups);
  if (!isOff(native.glance.power) || isAhead(native, wanted, groups)) {
    const text = differs(native, wanted, groups) ? asciiJson(chosen(definition.uuid, wanted, { disks, interfaces }, native.guestId)) : '';
    return edited(native, { deviceChange: [], extraConfig: [...marking, ...noteNext(native, text)] });
  }
  const { extraConfig, ...hardware } = hardwareSpec(native, wanted, groups);
  return edited(native, { ...hardware, extraConfig: [...marking, ...extraConfig, ...noteNext(native, '')] });
}

/** Only the mark. */
export function markSpec(native: NativeMachine, mark: Mark): XmlElement | undefined {
  return edited(native, { deviceChange: [], extraConfig: markOptions(native, mark) });
}

/** The mark, and the names that its devices are called by from now on. */
export function adoptSpec(native: NativeMachine, mark: Mark, names: Extra): XmlElement | undefined {
  return edited(native, { deviceChange: [], extraConfig: [...markOptions(native, mark), ...options(names)] });
}

/** Nothing of us is left. */
export function releaseSpec({ changeVersion, extra }: NativeMachine): XmlElement {
  const version = changeVersion === '' ? {} : { changeVersion };
  const ours = Object.values(keys).filter((key) => (extra[key] ?? '') !== '');
  const nobody = { extensionKey: '', type: '' };
  return element({ ...version, deviceChange: [], extraConfig: ours.map((key) => ({ key, value: '' })), managedBy: nobody });
}

/** What was noted for the next start of a machine that is off now; undefined when nothing was. NotFound while a port group is not there. */
export function startSpec(native: NativeMachine, groups: readonly PortGroup[]): XmlElement | undefined {
  const next = readNext(native.extra);
  if (next === undefined) return undefined;
  for (const { name, network } of next.interfaces) groupNamed(name, network, groups);
  const { extraConfig, ...hardware } = hardwareSpec(native, next, groups);
  return edited(native, { ...hardware, extraConfig: [...extraConfig, ...noteNext(native, '')] });
}

/** Takes all disks out, so that forgetting the machine leaves them. */
export function detachSpec(native: NativeMachine, disks: readonly XmlElement[]): XmlElement | undefined {
  return edited(native, { deviceChange: disks.map((device) => ({ operation: 'remove', device })), extraConfig: [] });
}

type Present = Pick<NativeMachine, 'cpuCount' | 'memoryBytes' | 'devices' | 'extra' | 'guestId' | 'firmware' | 'file'>;
const blank: Present = { cpuCount: 0, memoryBytes: 0, devices: [], extra: {}, guestId: '', firmware: '', file: undefined };

/** What cannot be had yet is left out. */
function hardwareSpec(is: Present, wanted: Next, groups: readonly PortGroup[]) {
  const { cpuCount, memoryBytes, guestId = is.guestId, firmware } = wanted;
  const there = wanted.interfaces.filter(({ network }) => groups.some(({ name }) => name === network));
  const disks = diskChanges(is.devices, is.extra, wanted.disks, guestId);
  const cards = interfaceChanges(is.devices, is.extra, there, groups);
  const serial = serialChanges(is.devices, wanted.serial, folderOf(is));
  const places = { [keys.disks]: disks.places, [keys.interfaces]: cards.places };
  const moved = Object.entries(places).filter(([key, text]) => text !== is.extra[key as Key]);
  return {
    ...(is.guestId === guestId ? {} : { guestId }),
    ...(is.cpuCount === cpuCount ? {} : { numCPUs: cpuCount }),
    ...(is.memoryBytes === memoryBytes ? {} : { memoryMB: memoryBytes / 2 ** 20 }),
    ...(firmware === undefined || is.firmware === nativeFirmware[firmware] ? {} : { firmware: nativeFirmware[firmware] }),
    deviceChange: [...disks.changes, ...cards.changes, ...serial],
    extraConfig: [
      ...options(Object.fromEntries(moved.map(([key, text]) => [key, text ?? '']))),
      ...serial.map(({ operation }) => (operation === 'add' ? serialAnswer : { ...serialAnswer, value: '' })),
    ],
  };
}

/** What is left to the host, and noted before the host could choose, is chosen by us, and kept from then on. */
function chosen(uuid: string, wanted: Next, is: Pick<Next, 'disks' | 'interfaces'>, guestId: string): Next {
  const bus = bestBus(guestId);
  const disks = wanted.disks.map((disk) => ({ bus, ...is.disks.find(({ name }) => name === disk.name), ...disk }));
  const interfaces = wanted.interfaces.map((one) => {
    const there = is.interfaces.find(({ name }) => name === one.name);
    return { model: 'Vmxnet3' as const, macAddress: addressOf(uuid, one.name), ...there, ...one };
  });
  return { ...wanted, disks, interfaces };
}

/** `[datastore] folder` */
const folderOf = ({ file }: Pick<Present, 'file'>): string | undefined => file?.replace(/\/[^/]*$/, '');

/** Port groups may not be there, and a machine has a folder for its serial port's file only once it is made. */
function isAhead(is: Pick<Present, 'file'>, { interfaces, serial }: Next, groups: readonly PortGroup[]): boolean {
  return (serial && folderOf(is) === undefined) || interfaces.some(({ network }) => !groups.some(({ name }) => name === network));
}

function differs(native: NativeMachine, wanted: Next, groups: readonly PortGroup[]): boolean {
  if (isAhead(native, wanted, groups)) return true;
  const { deviceChange, extraConfig, ...rest } = hardwareSpec(native, wanted, groups);
  return deviceChange.length > 0 || extraConfig.length > 0 || Object.keys(rest).length > 0;
}

function noteNext(native: NativeMachine, text: string) {
  return text === (native.extra[keys.next] ?? '') ? [] : options({ [keys.next]: text });
}

function markOptions(native: NativeMachine, mark: Mark) {
  return sameMark(readMark(native.extra), mark) ? [] : options(markExtra(mark));
}

function options(extra: Extra): ConfigSpec['extraConfig'] {
  return Object.entries(extra).map(([key, value]) => ({ key, value }));
}

/** With the version that was read: whoever changes it in between is not overrun. A machine of ours says so to vSphere's clients. */
function edited(native: NativeMachine, change: Omit<ConfigSpec, 'changeVersion' | 'managedBy'>): XmlElement | undefined {
  const { deviceChange, extraConfig, ...rest } = change;
  if (deviceChange.length === 0 && extraConfig.length === 0 && Object.keys(rest).length === 0) return undefined;
  const isMarked = extraConfig.some(({ key }) => key === keys.owner);
  const version = native.changeVersion === '' ? {} : { changeVersion: native.changeVersion };
  return element({ ...change, ...version, ...(isMarked ? { managedBy } : {}) });
}

function element(spec: ConfigSpec): XmlElement {
  const [made] = configSpec.write('spec', spec);
  if (made === undefined) throw new DriverError('Internal', 'an empty specification');
  return made;
}
