import { type JsonObject, textAt } from '../json.js';
import { metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Key } from '../store/disk.js';
import { badRequest, conflict } from './status.js';

/** Of one object. */
export interface Place {
  readonly resource: Resource;
  /** Empty for what has none. */
  readonly namespace: string;
  readonly name: string;
}

export const keyOf = ({ resource, namespace, name }: Place): Key => ({ resource: resource.storage, namespace, name });

/** @throws StatusError for what says that it is of another address */
export function assertSamePlace({ resource, namespace, name }: Place, sent: JsonObject): void {
  const { apiVersion, kind } = sent;
  if ((apiVersion !== undefined && apiVersion !== resource.apiVersion) || (kind !== undefined && kind !== resource.kind))
    throw badRequest(
      `the object provided is a ${apiVersion}, Kind=${kind}; this address takes ${resource.apiVersion}, Kind=${resource.kind}`,
    );
  const metadata = metadataOf(sent);
  if (textAt(metadata, 'name') !== '' && textAt(metadata, 'name') !== name)
    throw badRequest(`the name of the object (${textAt(metadata, 'name')}) does not match the name on the URL (${name})`);
  assertSameNamespace({ resource, namespace }, metadata);
}

export function assertSameNamespace({ resource, namespace }: Omit<Place, 'name'>, metadata: JsonObject): void {
  const given = textAt(metadata, 'namespace');
  if (resource.namespaced && given !== '' && given !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

export function assertUid(resource: Resource, name: string, sent: JsonObject, live: JsonObject): void {
  const [given, is] = [textAt(sent, 'uid'), textAt(live, 'uid')];
  if (given !== '' && given !== is)
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${given}, UID in object meta: ${is}`);
}

/** Which object is meant, or which state of it. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export function assertPreconditions(resource: Resource, name: string, { uid, resourceVersion }: Preconditions, metadata: JsonObject): void {
  if (uid !== undefined) assertUid(resource, name, { uid }, metadata);
  const is = textAt(metadata, 'resourceVersion');
  if (resourceVersion !== undefined && resourceVersion !== is)
    throw conflict(
      resource,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${is})`,
    );
}
