import { isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt, withKey } from '../json.js';
import { type FieldError, forbidden, invalid, required } from '../schema/field-error.js';

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const reference = {
  type: 'object',
  'x-kubernetes-map-type': 'atomic',
  required: ['apiVersion', 'kind', 'name', 'uid'],
  properties: {
    apiVersion: text,
    kind: text,
    name: text,
    uid: text,
    controller: { type: 'boolean' },
    blockOwnerDeletion: { type: 'boolean' },
  },
};
const managed = {
  type: 'object',
  properties: {
    manager: text,
    operation: text,
    apiVersion: text,
    time: text,
    fieldsType: text,
    subresource: text,
    fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

/** ObjectMeta, as a schema of our own kind. */
export const metadataSchema: JsonObject = {
  type: 'object',
  description: "Standard object's metadata.",
  properties: {
    name: text,
    generateName: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    selfLink: text,
    generation: { type: 'integer', format: 'int64' },
    creationTimestamp: { ...text, nullable: true },
    deletionTimestamp: text,
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64' },
    labels: texts,
    annotations: texts,
    finalizers: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    ownerReferences: { type: 'array', items: reference, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] },
    managedFields: { type: 'array', items: managed, 'x-kubernetes-list-type': 'atomic' },
  },
};

const apiVersion = { ...text, description: 'The group and version that the object is written in.' };
const kind = { ...text, description: 'What the object is.' };

/** The schema of a whole object. Its own may say of these three only what a name is to be like. */
export function withMetadata(raw: JsonObject): JsonObject {
  const given = objectAt(objectAt(objectAt(raw, 'properties'), 'metadata'), 'properties');
  const narrowed = Object.fromEntries(['name', 'generateName'].map((key) => [key, { ...text, ...objectAt(given, key) }]));
  const metadata = { ...metadataSchema, properties: { ...objectAt(metadataSchema, 'properties'), ...narrowed } };
  return { ...raw, type: 'object', properties: { ...objectAt(raw, 'properties'), apiVersion, kind, metadata } };
}

const label = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualified = /^(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const labelValue = /^(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const maxAnnotationBytes = 256 * 1024;

export type NameRule = 'label' | 'subdomain' | 'path';

/** Whether it can be the name of an object: `path` is all that can stand in an address. */
export function nameTrouble(name: string, rule: NameRule): string | undefined {
  if (rule === 'path')
    return name === '.' || name === '..' || /[/%]/.test(name) ? 'may not be "." or "..", and not contain "/" or "%"' : undefined;
  if (rule === 'label') return label.test(name) ? undefined : 'must be a lower case RFC 1123 label: at most 63 of a-z, 0-9 and "-"';
  return subdomain.test(name) ? undefined : 'must be a lower case RFC 1123 subdomain: at most 253 of a-z, 0-9, "-" and "."';
}

const isQualified = (key: string): boolean => {
  const [name = '', prefix] = key.split('/').toReversed();
  return key.split('/').length <= 2 && qualified.test(name) && (prefix === undefined || subdomain.test(prefix));
};

export function metadataErrors(metadata: JsonObject, rule: NameRule): readonly FieldError[] {
  const name = textAt(metadata, 'name');
  const trouble = name === '' ? undefined : nameTrouble(name, rule);
  return [
    ...(name === '' ? [required('metadata.name', 'name or generateName is required')] : []),
    ...(trouble === undefined ? [] : [invalid('metadata.name', name, trouble)]),
    ...labelErrors(objectAt(metadata, 'labels')),
    ...annotationErrors(objectAt(metadata, 'annotations')),
    ...textsAt(metadata, 'finalizers').flatMap((one, at) =>
      isQualified(one) ? [] : [invalid(`metadata.finalizers[${at}]`, one, 'must be a qualified name, as example.com/finalizer')],
    ),
    ...objectsAt(metadata, 'ownerReferences').flatMap((one, at) =>
      ['apiVersion', 'kind', 'name', 'uid'].flatMap((key) =>
        textAt(one, key) === '' ? [invalid(`metadata.ownerReferences[${at}].${key}`, one[key] ?? '', `${key} must not be empty`)] : [],
      ),
    ),
  ];
}

function labelErrors(labels: JsonObject): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(isQualified(key)
      ? []
      : [
          invalid(
            'metadata.labels',
            key,
            'must be a qualified name: a prefix and "/" if you like, then at most 63 of A-Z, a-z, 0-9, "-", "_" and "."',
          ),
        ]),
    ...(typeof value !== 'string' || labelValue.test(value)
      ? []
      : [invalid('metadata.labels', value, 'a label has at most 63 of A-Z, a-z, 0-9, "-", "_" and "."')]),
  ]);
}

function annotationErrors(annotations: JsonObject): readonly FieldError[] {
  const bytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(`${value}`), 0);
  const names = Object.keys(annotations).flatMap((key) =>
    isQualified(key.toLowerCase()) ? [] : [invalid('metadata.annotations', key, 'must be a qualified name')],
  );
  return bytes <= maxAnnotationBytes
    ? names
    : [
        ...names,
        {
          field: 'metadata.annotations',
          reason: 'FieldValueTooLong',
          message: `Too long: may not be more than ${maxAnnotationBytes} bytes`,
        },
      ];
}

/** What never changes in the life of an object. */
export function metadataChangeErrors(now: JsonObject, old: JsonObject): readonly FieldError[] {
  const fixed = ['name', 'namespace', 'uid'].flatMap((key) =>
    textAt(now, key) === textAt(old, key) ? [] : [invalid(`metadata.${key}`, now[key] ?? '', 'field is immutable')],
  );
  const isGoing = old['deletionTimestamp'] !== undefined;
  const known = new Set(textsAt(old, 'finalizers'));
  const added = isGoing ? textsAt(now, 'finalizers').filter((one) => !known.has(one)) : [];
  if (added.length === 0) return fixed;
  return [
    ...fixed,
    forbidden(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    ),
  ];
}

/** Of RFC 3339, to the second, as metadata has it. `now`: milliseconds since 1970. */
export const timestamp = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');

export const metadataOf = (object: JsonObject | undefined): JsonObject => objectAt(object, 'metadata');

export const isBeingDeleted = (object: JsonObject): boolean =>
  isObject(object['metadata']) && object['metadata']['deletionTimestamp'] !== undefined;

/** Held by these alone. */
export const withFinalizers = (object: JsonObject, finalizers: readonly string[]): JsonObject => ({
  ...object,
  metadata: withKey(metadataOf(object), 'finalizers', finalizers.length === 0 ? undefined : finalizers),
});

/** An object that is to go goes when nothing holds it any more. What holds a namespace stands in its spec. */
export const isOver = (object: JsonObject): boolean =>
  isBeingDeleted(object) &&
  textsAt(metadataOf(object), 'finalizers').length === 0 &&
  (object['kind'] !== 'Namespace' || textsAt(objectAt(object, 'spec'), 'finalizers').length === 0);
