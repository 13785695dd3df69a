import type { Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { userOf } from '#drivers/pool-source.js';
import { withAttribute, withChild } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { abilitiesOf, libvirtSource, nativePool, nativeType, readSource } from './pool-source.js';
import { sizeOf } from './units.js';

export function createPool(definition: PoolDefinition): XmlElement {
  const { uuid, nativeName } = definition;
  const source = libvirtSource(definition.source);
  const native = nativePool(source);
  const pool = element(
    'pool',
    { type: nativeType(source) },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    native.source,
    native.path === undefined ? undefined : element('target', {}, element('path', {}, native.path)),
  );
  return withAuth(pool, definition);
}

/** Who is let in. With what, is in a secret of the host's that has the pool's uuid. */
export function withAuth(pool: XmlElement, { uuid, credentials, source }: PoolDefinition): XmlElement {
  const username = userOf(source, credentials);
  if (username === undefined || credentials === undefined) return pool;
  const auth = (found: XmlElement) =>
    withChild(
      withAttribute(withAttribute(found, 'type', source.kind === 'rbd' ? 'ceph' : 'chap'), 'username', username),
      element('secret'),
      (secret) => withAttribute(secret, 'uuid', uuid),
    );
  return withChild(pool, element('source'), (from) => withChild(from, element('auth'), auth));
}

/** Kept by the host over a restart, readable by its root alone, and given to nobody who asks. */
export const createSecret = ({ uuid, nativeName, source: { kind } }: PoolDefinition): XmlElement =>
  element(
    'secret',
    { ephemeral: 'no', private: 'yes' },
    element('uuid', {}, uuid),
    element('description', {}, `what pool ${nativeName} is let in with`),
    kind === 'rbd'
      ? element('usage', { type: 'ceph' }, element('name', {}, `virtwright-${uuid}`))
      : element('usage', { type: 'iscsi' }, element('target', {}, `virtwright-${uuid}`)),
  );

/** A pool's XML tells all but whether it is active. */
export function readPool(xml: string, active: boolean, directories = false): Pool {
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
    ...abilitiesOf(attribute(root, 'type'), directories),
    capacityBytes: sizeOf(child(root, 'capacity'), 'bytes') ?? 0,
    allocationBytes: sizeOf(child(root, 'allocation'), 'bytes') ?? 0,
    availableBytes: sizeOf(child(root, 'available'), 'bytes') ?? 0,
  };
}
