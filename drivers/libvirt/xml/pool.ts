import type { Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { sizeOf } from './units.js';

/** Kinds of pools whose volumes are files; of the others we know nothing but that they are there. */
const ofFiles: ReadonlySet<string> = new Set(['dir', 'fs', 'netfs']);

export function createPool({ uuid, nativeName, directory }: PoolDefinition): XmlElement {
  return element(
    'pool',
    { type: 'dir' },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    element('target', {}, element('path', {}, directory.path)),
  );
}

/** A pool's XML tells all but whether it is active. */
export function readPool(xml: string, active: boolean): Pool {
  const root = parseXml(xml, 'pool XML');
  const [uuid, nativeName] = [textOf(child(root, 'uuid'))?.toLowerCase(), textOf(child(root, 'name'))];
  if (uuid === undefined || nativeName === undefined) throw new DriverError('Invalid', 'pool XML: the name or the uuid is missing');
  const path = textOf(child(root, 'target', 'path'));
  return {
    id: uuid as PoolId,
    uuid,
    nativeName,
    active,
    ...(path === undefined ? {} : { path }),
    formats: ofFiles.has(attribute(root, 'type') ?? '') ? ['Qcow2', 'Raw'] : [],
    capacityBytes: sizeOf(child(root, 'capacity'), 'bytes') ?? 0,
    allocationBytes: sizeOf(child(root, 'allocation'), 'bytes') ?? 0,
    availableBytes: sizeOf(child(root, 'available'), 'bytes') ?? 0,
  };
}
