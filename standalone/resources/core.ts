import { equal, isObject, type Json, type JsonObject, objectAt, withKey, without } from '../json.js';
import { type FieldError, forbidden, invalid } from '../schema/field-error.js';
import type { Validate } from '../schema/validate.js';
import { age, bytes, column, condition, type Kind, list, listBy, map, reference, text, texts, whole } from './shapes.js';

/** Namespaces that are always there. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public'];

/** A Secret is kept with all its texts as bytes. What comes in protobuf says an empty type for none. */
function withoutStringData(object: JsonObject): JsonObject {
  const given = object['stringData'];
  const encoded = Object.entries(isObject(given) ? given : {}).map(
    ([key, value]) => [key, Buffer.from(`${value}`).toString('base64')] as const,
  );
  const kept = { ...without(object, 'stringData'), type: object['type'] || 'Opaque' };
  return encoded.length === 0 ? kept : withKey(kept, 'data', { ...objectAt(object, 'data'), ...Object.fromEntries(encoded) });
}

/** A namespace is held until it is empty, and says how it is. */
function namespaceAsStored(object: JsonObject): JsonObject {
  const metadata = objectAt(object, 'metadata');
  const isGoing = metadata['deletionTimestamp'] !== undefined;
  const labels = { ...objectAt(metadata, 'labels'), 'kubernetes.io/metadata.name': metadata['name'] ?? '' };
  const spec = isObject(object['spec']) ? object['spec'] : { finalizers: ['kubernetes'] };
  return {
    ...object,
    metadata: { ...metadata, labels },
    spec,
    status: { ...objectAt(object, 'status'), phase: isGoing ? 'Terminating' : 'Active' },
  };
}

/** Who says `immutable` means it; and a Secret is of one type for good. */
const unchanged: Validate = (value, old) => {
  if (!isObject(value) || !isObject(old)) return [];
  const changed = (key: string): boolean => !equal(value[key], old[key]);
  const fixed = old['immutable'] === true ? ['data', 'stringData', 'binaryData', 'immutable'].filter(changed) : [];
  const isRetyped = (value['type'] || old['type']) !== old['type'];
  return [...fixed.map(isFixed), ...(isRetyped ? [invalid('type', value['type'] as Json, 'field is immutable')] : [])];
};

const isFixed = (field: string): FieldError => forbidden(field, 'field is immutable when `immutable` is set');

export const namespaceKind: Kind = {
  plural: 'namespaces',
  kind: 'Namespace',
  description: 'A space for names. Whatever is in it goes with it.',
  namespaced: false,
  shortNames: ['ns'],
  hasStatus: true,
  nameRule: 'label',
  selectable: ['.status.phase'],
  permanent: systemNamespaces,
  toStored: namespaceAsStored,
  properties: { spec: map({ finalizers: list(text) }), status: map({ phase: text, conditions: listBy(condition, 'type') }) },
  columns: [column('Status', '.status.phase'), age],
};

export const coreKinds: readonly Kind[] = [
  {
    plural: 'configmaps',
    kind: 'ConfigMap',
    description: 'Settings, as texts or bytes by key.',
    shortNames: ['cm'],
    properties: { data: texts, binaryData: bytes, immutable: { type: 'boolean' } },
    check: unchanged,
    columns: [column('Data', '.data', 'count'), age],
  },
  {
    plural: 'secrets',
    kind: 'Secret',
    description: 'What few may read: bytes by key, sealed at rest.',
    properties: { data: bytes, stringData: texts, type: { ...text, default: 'Opaque' }, immutable: { type: 'boolean' } },
    selectable: ['.type'],
    toStored: withoutStringData,
    check: unchanged,
    columns: [column('Type', '.type'), column('Data', '.data', 'count'), age],
  },
  {
    plural: 'serviceaccounts',
    kind: 'ServiceAccount',
    description: 'Somebody who is a program, for rights to be given to.',
    shortNames: ['sa'],
    properties: {
      secrets: listBy(reference, 'name'),
      imagePullSecrets: list(map({ name: text })),
      automountServiceAccountToken: { type: 'boolean' },
    },
  },
  {
    plural: 'leases',
    kind: 'Lease',
    description: 'Who holds something, and until when.',
    group: 'coordination.k8s.io',
    properties: {
      spec: map({
        holderIdentity: text,
        leaseDurationSeconds: whole,
        acquireTime: text,
        renewTime: text,
        leaseTransitions: whole,
        strategy: text,
        preferredHolder: text,
      }),
    },
    columns: [column('Holder', '.spec.holderIdentity'), age],
  },
];
