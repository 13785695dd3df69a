import type { Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { abilitiesOf, nativePool, nativeType, readSource } from './pool-source.js';
import { sizeOf } from './units.js';

export function createPool({ uuid, nativeName, source }: PoolDefinition): XmlElement {
  const native = nativePool(source);
  return element(
    'pool',
    { type: nativeType(source) },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    native.source,
    native.path === undefined ? undefined : element('target', {}, element('path', {}, native.path)),
  );
}

/** A pool's XML tells all but whether it is active. */
export function readPool(xml: string, active: boolean): Pool {
  const root = parseXml(xml, 'pool XML');
  const [uuid, nativeName] = [textOf(child(root, 'uuid'))?.toLowerCase(), textOf(child(root, 'name'))];
  if (uuid === undefined || nativeName === undefined) throw new DriverError('Invalid', 'pool XML: the name or the uuid is missing');
  const path = textOf(child(root, 'target', 'path'));
  const source = readSource(root);
  return {
    id: uuid as PoolId,
    uuid,
    nativeName,
    active,
    ...(path === undefined ? {} : { path }),
    ...(source === undefined ? {} : { source }),
    ...abilitiesOf(attribute(root, 'type')),
    capacityBytes: sizeOf(child(root, 'capacity'), 'bytes') ?? 0,
    allocationBytes: sizeOf(child(root, 'allocation'), 'bytes') ?? 0,
    availableBytes: sizeOf(child(root, 'available'), 'bytes') ?? 0,
  };
}
