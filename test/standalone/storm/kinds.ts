import type { JsonObject } from '#standalone/json.js';
import { objectAt, textAt } from '#standalone/json.js';

/** A kind that the storm writes. A value stands in two fields, which are always written together. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly hasStatus: boolean;
  /** What an object is beside its metadata to say that value. */
  body(value: string): JsonObject;
  /** The two fields. */
  read(object: JsonObject): readonly [string, string];
}

const pair = (object: JsonObject, one: string, other: string): readonly [string, string] => [textAt(object, one), textAt(object, other)];
const encoded = (text: string): string => Buffer.from(text).toString('base64');

export const kinds: readonly Kind[] = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    plural: 'configmaps',
    hasStatus: false,
    body: (value) => ({ data: { a: value, b: value } }),
    read: (object) => pair(objectAt(object, 'data'), 'a', 'b'),
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    plural: 'secrets',
    hasStatus: false,
    body: (value) => ({ data: { a: encoded(value), b: encoded(value) } }),
    read: (object) => {
      const [a, b] = pair(objectAt(object, 'data'), 'a', 'b').map((text) => Buffer.from(text, 'base64').toString());
      return [a ?? '', b ?? ''];
    },
  },
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    plural: 'leases',
    hasStatus: false,
    body: (value) => ({ spec: { holderIdentity: value, preferredHolder: value } }),
    read: (object) => pair(objectAt(object, 'spec'), 'holderIdentity', 'preferredHolder'),
  },
  {
    apiVersion: 'storm.virtwright.io/v1',
    kind: 'Widget',
    plural: 'widgets',
    hasStatus: true,
    body: (value) => ({ spec: { a: value, b: value } }),
    read: (object) => pair(objectAt(object, 'spec'), 'a', 'b'),
  },
];

export const namespaces: readonly string[] = ['default', 'kube-public'];

export function pathOf({ apiVersion, plural }: Kind, namespace = '', name = ''): string {
  const within = namespace === '' ? '' : `/namespaces/${namespace}`;
  return `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}${within}/${plural}${name === '' ? '' : `/${name}`}`;
}

const text = { type: 'string' };
const both = { type: 'object', properties: { a: text, b: text } };

export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.storm.virtwright.io' },
  spec: {
    group: 'storm.virtwright.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: both, status: both } } },
      },
    ],
  },
};
