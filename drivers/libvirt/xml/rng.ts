import { append, withoutChildren } from '#drivers/xml/edit.js';
import { element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';

export function hasRng(devices: XmlElement | undefined): boolean {
  return elements(devices, 'rng').length > 0;
}

/** `source` is the host's device that it draws from. */
export function withRng(devices: XmlElement, wanted: boolean, source = '/dev/urandom'): XmlElement {
  if (hasRng(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, (each) => isElement(each, 'rng'));
  return append(devices, element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, source)));
}
