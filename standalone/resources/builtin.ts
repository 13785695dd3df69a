import { isObject, objectAt } from '../json.js';
import { accessKinds } from './access.js';
import { coreKinds, namespaceKind } from './core.js';
import { crdCheck, crdSchema } from './crd.js';
import { eventKinds } from './events.js';
import { policyKinds } from './policies.js';
import { makeResource, type Resource, type ResourceDefinition } from './resource.js';
import { age, column, type Kind, map } from './shapes.js';

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

const crdKind: Kind = {
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
};

const made = (kind: Kind): Resource => makeResource(builtIn(kind));

export const namespaceResource = made(namespaceKind);
export const crdResource = made(crdKind);

export const builtInResources: readonly Resource[] = [
  namespaceResource,
  ...[...coreKinds, ...eventKinds, ...accessKinds, ...policyKinds].map(made),
  crdResource,
];
