import type { Found } from '#drivers/driver.js';
import { asciiJson } from '#drivers/owner.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { typeOf } from '../soap/names.js';
import { type FoundDevice, foundDisks } from './disk.js';
import { foundCards, type PortGroup } from './interface.js';
import { type Extra, keys } from './mark.js';
import { type NativeMachine, shapeOf } from './native.js';
import { serialPortOf } from './serial.js';
import { isVolume } from './volume.js';

/** What every machine has, whoever made it. */
const usual = new Set([
  'ParaVirtualSCSIController',
  'VirtualAHCIController',
  'VirtualBusLogicController',
  'VirtualIDEController',
  'VirtualKeyboard',
  'VirtualLsiLogicController',
  'VirtualLsiLogicSASController',
  'VirtualMachineVMCIDevice',
  'VirtualMachineVideoCard',
  'VirtualPCIController',
  'VirtualPS2Controller',
  'VirtualPointingDevice',
  'VirtualSIOController',
  'VirtualUSBController',
  'VirtualUSBXHCIController',
]);

/** Names for those devices of a machine of others that a definition of ours could say: they are called as their places. */
export function foundNames({ devices }: Pick<NativeMachine, 'devices'>, groups: readonly PortGroup[]): Extra {
  const [disks, cards] = [ownDisks(devices), foundCards(devices, groups)];
  return { ...placesOf(keys.disks, disks), ...placesOf(keys.interfaces, cards) };
}

/** With its devices. What it would be taken as, once it carries the names. */
export function foundIn(native: NativeMachine, groups: readonly PortGroup[]): Found {
  const named = { ...native, extra: { ...native.extra, ...foundNames(native, groups) } };
  const said = new Set([...ownDisks(native.devices), ...foundCards(native.devices, groups)].map(({ device }) => device));
  const serial = serialPortOf(native.devices);
  return {
    shape: shapeOf(named, groups),
    kept: native.devices.flatMap((device) => (said.has(device) || device === serial ? [] : unsaid(device, native.devices))),
  };
}

/** A disk in the machine's own folder is the machine's: it is no volume. */
const ownDisks = (devices: readonly XmlElement[]): readonly FoundDevice[] =>
  foundDisks(devices).filter(({ location }) => isVolume(location));

const placesOf = (key: typeof keys.disks | typeof keys.interfaces, found: readonly FoundDevice[]): Extra =>
  found.length === 0 ? {} : { [key]: asciiJson(Object.fromEntries(found.map(({ name, place }) => [name, place]))) };

/** By what people know it. */
function unsaid(device: XmlElement, all: readonly XmlElement[]): readonly string[] {
  const type = typeOf(device) ?? 'device';
  if (usual.has(type)) return [];
  const disk = foundDisks(all).find((one) => one.device === device);
  return [disk === undefined ? type.replace(/^Virtual/, '') : `disk ${disk.place} (${disk.location})`];
}
