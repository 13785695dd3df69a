import { equal, isObject, type JsonObject, objectAt, withKey, without } from '../json.js';
import { invalid } from '../schema/field-error.js';
import type { Validate } from '../schema/validate.js';
import { crdCheck, crdSchema } from './crd.js';
import { newEvent, oldEvent } from './events.js';
import { bindingErrors, bindingProperties, policyErrors, policyProperties } from './policies.js';
import { type Column, makeResource, type Resource, type ResourceDefinition } from './resource.js';

const text = { type: 'string' };
const whole = { type: 'integer' };
const time = { type: 'string', format: 'date-time', nullable: true };
const texts = { type: 'object', additionalProperties: text };
const bytes = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } };
const list = (items: JsonObject) => ({ type: 'array', items });
const listBy = (items: JsonObject, ...keys: readonly string[]) => ({
  ...list(items),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});
const map = (properties: JsonObject, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const reference = {
  ...map({ apiVersion: text, kind: text, name: text, namespace: text, uid: text, resourceVersion: text, fieldPath: text }),
  'x-kubernetes-map-type': 'atomic',
};
const condition = map({ type: text, status: text, reason: text, message: text, lastTransitionTime: time, observedGeneration: whole }, [
  'type',
  'status',
]);

const column = (name: string, jsonPath: string, type = 'string', priority = 0): Column => ({
  name,
  type,
  jsonPath,
  description: '',
  format: '',
  priority,
});
const age = column('Age', '.metadata.creationTimestamp', 'date');

/** Namespaces that are always there. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public'];

type Kind = Partial<ResourceDefinition> &
  Pick<ResourceDefinition, 'plural' | 'kind'> & {
    readonly properties: JsonObject;
    readonly required?: readonly string[];
    readonly description: string;
  };

function builtIn({ properties, required = [], description, ...kind }: Kind): ResourceDefinition {
  const { plural, group = '' } = kind;
  return {
    group,
    version: 'v1',
    singular: kind.kind.toLowerCase(),
    listKind: `${kind.kind}List`,
    shortNames: [],
    categories: [],
    namespaced: true,
    hasStatus: false,
    columns: [age],
    selectable: [],
    nameRule: 'subdomain',
    storage: `${plural}.${group}`,
    hasGeneration: false,
    isBuiltIn: true,
    raw: { ...map(properties, required), description },
    ...kind,
  };
}

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

const rules = list(
  map({ apiGroups: list(text), resources: list(text), verbs: list(text), resourceNames: list(text), nonResourceURLs: list(text) }, [
    'verbs',
  ]),
);
const subjects = list(map({ kind: text, apiGroup: text, name: text, namespace: text }, ['kind', 'name']));
const roleRef = { ...map({ apiGroup: text, kind: text, name: text }, ['apiGroup', 'kind', 'name']), 'x-kubernetes-map-type': 'atomic' };
const rbac = { group: 'rbac.authorization.k8s.io', nameRule: 'path' as const };
/** Who could change it would need no right to bind another role. */
const sameRole: Validate = (value, old) => {
  const [is, was] = [value, old].map((one) => (isObject(one) ? one['roleRef'] : undefined));
  return old === undefined || equal(is, was) ? [] : [invalid('roleRef', is, 'cannot change roleRef')];
};

const policing = { group: 'admissionregistration.k8s.io', namespaced: false, hasGeneration: true };

const eventFields = {
  action: text,
  eventTime: { ...text, nullable: true },
  reason: text,
  type: text,
  reportingInstance: text,
  related: reference,
};
const source = map({ component: text, host: text });
const eventSelectable = ['.reason', '.type', '.reportingComponent'];
const isOf = ['name', 'namespace', 'kind', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const definitions: readonly Kind[] = [
  {
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
  },
  {
    plural: 'configmaps',
    kind: 'ConfigMap',
    description: 'Settings, as texts or bytes by key.',
    shortNames: ['cm'],
    properties: { data: texts, binaryData: bytes, immutable: { type: 'boolean' } },
    columns: [column('Data', '.data', 'count'), age],
  },
  {
    plural: 'secrets',
    kind: 'Secret',
    description: 'What few may read: bytes by key, sealed at rest.',
    properties: { data: bytes, stringData: texts, type: { ...text, default: 'Opaque' }, immutable: { type: 'boolean' } },
    selectable: ['.type'],
    toStored: withoutStringData,
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
    plural: 'events',
    kind: 'Event',
    description: 'Something that happened to an object; told for an hour.',
    shortNames: ['ev'],
    nameRule: 'path',
    storage: 'events.',
    properties: {
      ...eventFields,
      involvedObject: reference,
      message: text,
      source,
      firstTimestamp: time,
      lastTimestamp: time,
      count: whole,
      series: map({ count: whole, lastObservedTime: text }),
      reportingComponent: text,
    },
    selectable: [...eventSelectable, ...isOf.map((name) => `.involvedObject.${name}`)],
    toStored: newEvent,
    fromStored: oldEvent,
    columns: [
      column('Last Seen', '.lastTimestamp', 'date'),
      column('Type', '.type'),
      column('Reason', '.reason'),
      column('Object', '.involvedObject.name'),
      column('Message', '.message'),
    ],
  },
  {
    plural: 'events',
    kind: 'Event',
    description: 'Something that happened to an object; told for an hour.',
    group: 'events.k8s.io',
    nameRule: 'path',
    storage: 'events.',
    properties: {
      ...eventFields,
      regarding: reference,
      note: text,
      series: map({ count: whole, lastObservedTime: text }),
      reportingController: text,
      deprecatedSource: source,
      deprecatedFirstTimestamp: time,
      deprecatedLastTimestamp: time,
      deprecatedCount: whole,
    },
    selectable: ['.reason', '.type', '.reportingController', ...isOf.map((name) => `.regarding.${name}`)],
    columns: [
      column('Last Seen', '.eventTime', 'date'),
      column('Type', '.type'),
      column('Reason', '.reason'),
      column('Object', '.regarding.name'),
      column('Message', '.note'),
    ],
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
  { ...rbac, plural: 'roles', kind: 'Role', description: 'What may be done within its namespace.', properties: { rules } },
  {
    ...rbac,
    plural: 'clusterroles',
    kind: 'ClusterRole',
    description: 'What may be done everywhere, or wherever a RoleBinding says so.',
    namespaced: false,
    properties: {
      rules,
      aggregationRule: map({ clusterRoleSelectors: list({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }) }),
    },
  },
  {
    ...rbac,
    plural: 'rolebindings',
    kind: 'RoleBinding',
    description: 'Gives what a role allows to somebody, within its namespace.',
    properties: { subjects, roleRef },
    required: ['roleRef'],
    check: sameRole,
    columns: [column('Role', '.roleRef.name'), age],
  },
  {
    ...rbac,
    plural: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    description: 'Gives what a ClusterRole allows to somebody, everywhere.',
    namespaced: false,
    properties: { subjects, roleRef },
    required: ['roleRef'],
    check: sameRole,
    columns: [column('Role', '.roleRef.name'), age],
  },
  {
    ...policing,
    plural: 'validatingadmissionpolicies',
    kind: 'ValidatingAdmissionPolicy',
    description: 'What may be written, by whom, as expressions say.',
    hasStatus: true,
    properties: policyProperties,
    required: ['spec'],
    check: policyErrors,
  },
  {
    ...policing,
    plural: 'validatingadmissionpolicybindings',
    kind: 'ValidatingAdmissionPolicyBinding',
    description: 'Where a policy counts, and what becomes of what it is against.',
    properties: bindingProperties,
    required: ['spec'],
    check: bindingErrors,
    columns: [column('PolicyName', '.spec.policyName'), age],
  },
  {
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    description: 'A kind of objects that is served besides those that are always there.',
    group: 'apiextensions.k8s.io',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    hasStatus: true,
    hasGeneration: true,
    properties: objectAt(crdSchema, 'properties'),
    required: ['spec'],
    check: (value) => (isObject(value) ? crdCheck(value) : []),
    columns: [column('Created At', '.metadata.creationTimestamp')],
  },
];

export const builtInResources: readonly Resource[] = definitions.map((kind) => makeResource(builtIn(kind)));

export const crdResource = (): Resource => {
  const found = builtInResources.find(({ plural }) => plural === 'customresourcedefinitions');
  if (found === undefined) throw new Error('the server has no resource of CRDs');
  return found;
};
