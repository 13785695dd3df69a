import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from '../soap/names.js';
import { numberIn } from './controller.js';
import type { DeviceChange } from './disk.js';

/** In the machine's folder: all that its guest says on its serial port. By this name the port is known as ours. */
export const serialFile = 'virtwright.serial.log';

/**
 * A host asks, before it starts a machine, what is to become of a file that is there already; this is answered beforehand
 * (extraConfig of vSphere's own, in use since ESX 4).
 */
export const serialAnswer = { key: 'answer.msg.serial.file.open', value: 'Append' } as const;

/** Our serial port. Another one is somebody else's, and stays. */
export function serialPortOf(devices: readonly XmlElement[]): XmlElement | undefined {
  return devices.find((device) => typeOf(device) === 'VirtualSerialPort' && fileOf(device)?.endsWith(`/${serialFile}`));
}

export function fileOf(device: XmlElement): string | undefined {
  return textOf(child(device, 'backing', 'fileName'));
}

/** `folder` is the machine's, as `[datastore] folder`; undefined before there is one, and then nothing is added. */
export function serialChanges(devices: readonly XmlElement[], wanted: boolean, folder: string | undefined): readonly DeviceChange[] {
  const there = serialPortOf(devices);
  if (there !== undefined) return wanted ? [] : [{ operation: 'remove', device: there }];
  return wanted && folder !== undefined ? [{ operation: 'add', device: newPort(`${folder}/${serialFile}`, devices) }] : [];
}

function newPort(fileName: string, devices: readonly XmlElement[]): XmlElement {
  const controller = numberIn(
    devices.find((device) => typeOf(device) === 'VirtualSIOController'),
    'key',
  );
  const device = element(
    'device',
    {},
    element('key', {}, '-9000'),
    typed(element('backing', {}, element('fileName', {}, fileName)), 'VirtualSerialPortFileBackingInfo'),
    ...(controller === undefined ? [] : [element('controllerKey', {}, `${controller}`)]),
    element('yieldOnPoll', {}, 'true'),
  );
  return typed(device, 'VirtualSerialPort');
}
