import { isDeepStrictEqual } from 'node:util';
import type { ContainerLimits, MachineDefinition } from '#drivers/driver.js';
import { append, mapChildren, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { child, element, elements, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { wholeNumber } from '../../xml/units.js';

/** In libvirt's words, in the XML and, with `device_` before them, in its calls. */
const names: Readonly<Record<keyof ContainerLimits, string>> = {
  readIops: 'read_iops_sec',
  writeIops: 'write_iops_sec',
  readBytes: 'read_bytes_sec',
  writeBytes: 'write_bytes_sec',
};
const entries = Object.entries(names) as readonly (readonly [keyof ContainerLimits, string])[];

const devicesIn = (domain: XmlElement): readonly XmlElement[] => elements(child(domain, 'blkiotune'), 'device');
const pathOf = (device: XmlElement): string => textOf(child(device, 'path')) ?? '';

function limitsOf(device: XmlElement): ContainerLimits {
  const told = entries.map(([limit, name]) => [limit, wholeNumber(textOf(child(device, name)))] as const);
  return Object.fromEntries(told.filter(([, most]) => most !== undefined && most > 0));
}

const isLimited = (device: XmlElement): boolean => Object.keys(limitsOf(device)).length > 0;

/**
 * What holds of each limited disk alike; undefined when none is limited. Where they differ, all that any of them has: nobody asks for 0, so it is
 * like nothing that is asked for, and is set right.
 */
export function readDiskLimits(domain: XmlElement): ContainerLimits | undefined {
  const [first, ...others] = devicesIn(domain).filter(isLimited).map(limitsOf);
  if (first === undefined || others.every((each) => isDeepStrictEqual(each, first))) return first;
  const differing = entries.filter(([limit]) => others.some((each) => each[limit] !== first[limit]));
  return { ...first, ...Object.fromEntries(differing.map(([limit]) => [limit, 0])) };
}

/** The same limits on each disk that its directories are on, and on those that had some. Weights, which others may have set, stay. */
export function withDiskLimits(domain: XmlElement, { container }: MachineDefinition): XmlElement {
  const { limits, ground = { disks: [] } } = container ?? {};
  if (limits === undefined) return domain;
  return withChild(domain, element('blkiotune'), (tune) => {
    const has = elements(tune, 'device').map(pathOf);
    const added = ground.disks.filter((disk) => !has.includes(disk)).map((disk) => element('device', {}, element('path', {}, disk)));
    const edited = mapChildren(append(tune, ...added), (node) =>
      isElement(node, 'device') && (isLimited(node) || ground.disks.includes(pathOf(node))) ? limited(node, limits) : node,
    );
    return edited.children.some((node) => node.kind === 'element') ? edited : undefined;
  });
}

function limited(device: XmlElement, limits: ContainerLimits): XmlElement | undefined {
  const edited = entries.reduce((each, [limit, name]) => {
    const most = limits[limit];
    if (most === undefined) return withoutChildren(each, (one) => isElement(one, name));
    return withChild(each, element(name), (one) => withText(one, `${most}`));
  }, device);
  return edited.children.every((node) => node.kind !== 'element' || isElement(node, 'path')) ? undefined : edited;
}

/** What is to be said of the disks of a running container, 0 for no limit. */
export function diskLimitsFor(live: XmlElement, configured: XmlElement): readonly { readonly field: string; readonly value: string }[] {
  const wanted = new Map(devicesIn(configured).map((device) => [pathOf(device), limitsOf(device)]));
  const paths = new Set([...wanted.keys(), ...devicesIn(live).filter(isLimited).map(pathOf)]);
  if (paths.size === 0) return [];
  return entries.map(([limit, name]) => ({
    field: `device_${name}`,
    value: [...paths].map((path) => `${path},${wanted.get(path)?.[limit] ?? 0}`).join(','),
  }));
}
