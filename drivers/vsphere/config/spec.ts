import type { Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { anyText, integer, list, optional, raw, struct, text } from '../soap/types.js';
import type { VsphereDefinition } from './ahead.js';
import { type DeviceChange, diskChanges } from './disk.js';
import { interfaceChanges, type PortGroup } from './interface.js';
import { type Extra, keys, managedBy, markExtra, readMark, sameMark } from './mark.js';
import { firmwareOf, isOff, type NativeMachine, type Next, nextText, readNext } from './native.js';

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
export function createSpec(definition: VsphereDefinition, mark: Mark, datastore: string, groups: readonly PortGroup[]): XmlElement {
  const { uuid, nativeName, firmware } = definition;
  const guestId = definition.vsphere?.guestId ?? unknownGuest;
  const hardware = hardwareSpec(nothing(guestId), definition, groups);
  return element({
    ...hardware,
    name: nativeName,
    // The guest sees the one, and the host knows the machine by the other, which a copy of it does not share.
    uuid: uuid.toLowerCase(),
    instanceUuid: uuid.toLowerCase(),
    guestId,
    files: { vmPathName: `[${datastore}]` },
    extraConfig: [...hardware.extraConfig, ...options(markExtra(mark))],
    ...(firmware === undefined ? {} : { firmware: nativeFirmware[firmware.type] }),
    managedBy,
  });
}

/** What of the machine is to be changed; undefined when nothing differs. While it runs, hardware is only noted for its next start. */
export function editSpec(
  native: NativeMachine,
  definition: VsphereDefinition,
  mark: Mark,
  groups: readonly PortGroup[],
): XmlElement | undefined {
  refuseUnchangeable(native, definition);
  const marking = markOptions(native, mark);
  if (!isOff(native.glance.power))
    return edited(native, { deviceChange: [], extraConfig: [...marking, ...noteNext(native, definition, groups)] });
  const hardware = hardwareSpec(native, definition, groups);
  const done = native.extra[keys.next] === undefined ? [] : options({ [keys.next]: '' });
  return edited(native, { ...hardware, extraConfig: [...marking, ...hardware.extraConfig, ...done] });
}

/** Only the mark. */
export function markSpec(native: NativeMachine, mark: Mark): XmlElement | undefined {
  return edited(native, { deviceChange: [], extraConfig: markOptions(native, mark) });
}

/** What was noted for the next start of a machine that is off now; undefined when nothing was. */
export function startSpec(native: NativeMachine, groups: readonly PortGroup[]): XmlElement | undefined {
  const next = readNext(native.extra);
  if (next === undefined) return undefined;
  const hardware = hardwareSpec(native, next, groups);
  return edited(native, { ...hardware, extraConfig: [...hardware.extraConfig, ...options({ [keys.next]: '' })] });
}

/** Takes all disks out, so that forgetting the machine leaves them. */
export function detachSpec(native: NativeMachine, disks: readonly XmlElement[]): XmlElement | undefined {
  return edited(native, { deviceChange: disks.map((device) => ({ operation: 'remove', device })), extraConfig: [] });
}

function nothing(guestId: string) {
  return { cpuCount: 0, memoryBytes: 0, devices: [], extra: {}, guestId } as const;
}

type Present = Pick<NativeMachine, 'cpuCount' | 'memoryBytes' | 'devices' | 'extra' | 'guestId'>;

function hardwareSpec(is: Present, wanted: Partial<Next> & Omit<Next, 'interfaces'>, groups: readonly PortGroup[]) {
  const disks = diskChanges(is.devices, is.extra, wanted.disks, is.guestId);
  const cards = interfaceChanges(is.devices, is.extra, wanted.interfaces ?? [], groups);
  return {
    ...(is.cpuCount === wanted.cpuCount ? {} : { numCPUs: wanted.cpuCount }),
    ...(is.memoryBytes === wanted.memoryBytes ? {} : { memoryMB: wanted.memoryBytes / 2 ** 20 }),
    deviceChange: [...disks.changes, ...cards.changes].map(({ operation, device }: DeviceChange) => ({ operation, device })),
    extraConfig: [
      ...(disks.places === is.extra[keys.disks] ? [] : options({ [keys.disks]: disks.places ?? '' })),
      ...(cards.places === is.extra[keys.interfaces] ? [] : options({ [keys.interfaces]: cards.places ?? '' })),
    ],
  };
}

/** Nothing, when the next start will bring just this. */
function noteNext(native: NativeMachine, definition: VsphereDefinition, groups: readonly PortGroup[]) {
  const { cpuCount, memoryBytes, disks, interfaces = [] } = definition;
  const differs = (is: Present, wanted: Next) => {
    const { deviceChange, extraConfig, ...counts } = hardwareSpec(is, wanted, groups);
    return deviceChange.length > 0 || extraConfig.length > 0 || Object.keys(counts).length > 0;
  };
  const wanted = { cpuCount, memoryBytes, disks, interfaces };
  const text = differs(native, wanted) ? nextText(wanted) : '';
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
  const { deviceChange, extraConfig, ...counts } = change;
  if (deviceChange.length === 0 && extraConfig.length === 0 && Object.keys(counts).length === 0) return undefined;
  const isMarked = extraConfig.some(({ key }) => key === keys.owner);
  return element({
    ...change,
    ...(native.changeVersion === '' ? {} : { changeVersion: native.changeVersion }),
    ...(isMarked ? { managedBy } : {}),
  });
}

function element(spec: ConfigSpec): XmlElement {
  const [made] = configSpec.write('spec', spec);
  if (made === undefined) throw new DriverError('Internal', 'an empty specification');
  return made;
}

function refuseUnchangeable(native: NativeMachine, { firmware, vsphere }: VsphereDefinition): void {
  const is = { 'firmware.type': firmwareOf(native), 'vsphere.guestId': native.guestId };
  const wanted = { 'firmware.type': firmware?.type, 'vsphere.guestId': vsphere?.guestId };
  for (const [field, value] of Object.entries(wanted) as [keyof typeof is, string | undefined][])
    if (value !== undefined && value !== is[field])
      throw new DriverError(
        'Invalid',
        `${field}: ${value} was given, and the machine was made with ${is[field]}; it is not changed any more`,
      );
}
