import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json.js';
import { type FieldError, forbidden, invalid, required, unsupported } from '../schema/field-error.js';
import { readSchema } from '../schema/schema.js';
import { compileRule, rulesIn } from '../schema/validate.js';
import { patternTrouble, valueCheck } from '../schema/values.js';
import { troubleOf } from '../trouble.js';
import { nameTrouble } from './metadata.js';
import { apiVersionOf, type Column, makeResource, type Resource, type Scale } from './resource.js';
import { age, anyObject, list, listBy, text } from './shapes.js';

const texts = list(text);
const names = {
  type: 'object',
  required: ['plural', 'kind'],
  properties: { plural: text, singular: text, kind: text, listKind: text, shortNames: texts, categories: texts },
};
const version = {
  type: 'object',
  required: ['name', 'served', 'storage'],
  properties: {
    name: text,
    served: { type: 'boolean' },
    storage: { type: 'boolean' },
    deprecated: { type: 'boolean' },
    deprecationWarning: text,
    schema: { type: 'object', properties: { openAPIV3Schema: anyObject } },
    subresources: { type: 'object', properties: { status: anyObject, scale: anyObject } },
    additionalPrinterColumns: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'type', 'jsonPath'],
        properties: { name: text, type: text, format: text, description: text, priority: { type: 'integer' }, jsonPath: text },
      },
    },
    selectableFields: { type: 'array', items: { type: 'object', required: ['jsonPath'], properties: { jsonPath: text } } },
  },
};
const condition = {
  type: 'object',
  required: ['type', 'status'],
  properties: { type: text, status: text, reason: text, message: text, lastTransitionTime: text, observedGeneration: { type: 'integer' } },
};

export const crdSchema: JsonObject = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['group', 'names', 'scope', 'versions'],
      properties: {
        group: text,
        names,
        scope: { type: 'string', enum: ['Namespaced', 'Cluster'] },
        versions: { type: 'array', minItems: 1, items: version },
        conversion: { type: 'object', properties: { strategy: text, webhook: anyObject }, default: { strategy: 'None' } },
        preserveUnknownFields: { type: 'boolean' },
      },
    },
    status: { type: 'object', properties: { conditions: listBy(condition, 'type'), acceptedNames: names, storedVersions: texts } },
  },
};

const specOf = (crd: JsonObject): JsonObject => objectAt(crd, 'spec');

/** What is wrong with a CRD beyond its schema. */
export function crdCheck(crd: JsonObject): readonly FieldError[] {
  const spec = specOf(crd);
  const [group, plural] = [textAt(spec, 'group'), textAt(objectAt(spec, 'names'), 'plural')];
  const wanted = `${plural}.${group}`;
  const name = textAt(objectAt(crd, 'metadata'), 'name');
  const versions = objectsAt(spec, 'versions');
  const stored = versions.filter((one) => one['storage'] === true).length;
  const strategy = textAt(objectAt(spec, 'conversion'), 'strategy');
  return [
    ...(name === wanted ? [] : [invalid('metadata.name', name, `must be spec.names.plural+"."+spec.group`)]),
    ...(nameTrouble(group, 'subdomain') === undefined && group.includes('.')
      ? []
      : [invalid('spec.group', group, 'should be a domain with at least one dot')]),
    ...(stored === 1 ? [] : [invalid('spec.versions', [], 'must have exactly one version marked as storage version')]),
    ...(strategy === 'None' || strategy === '' ? [] : [unsupported('spec.conversion.strategy', strategy, ['None'])]),
    ...versions.flatMap((one, at) => versionErrors(one, `spec.versions[${at}]`)),
  ];
}

function versionErrors(one: JsonObject, path: string): readonly FieldError[] {
  const raw = objectAt(one, 'schema')['openAPIV3Schema'];
  const field = `${path}.schema.openAPIV3Schema`;
  if (!isObject(raw)) return [required(field, 'schemas are required')];
  const structural = schemaErrors(raw, field);
  if (structural.length > 0) return structural;
  const trouble = troubleOf(() => valueCheck(raw));
  return [
    ...(trouble === undefined ? [] : [invalid(field, raw, trouble)]),
    ...rulesIn(readSchema(raw)).flatMap((rule) => {
      const why = troubleOf(() => compileRule(rule));
      return why === undefined ? [] : [invalid(field, rule.rule, `compilation failed: ${why}`)];
    }),
  ];
}

const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const maxSchemaDepth = 60;

/** What a structural schema must be: every part of it has a type. */
function schemaErrors(raw: JsonObject, field: string, depth = 0): readonly FieldError[] {
  if (depth > maxSchemaDepth) return [invalid(field, {}, `nested deeper than ${maxSchemaDepth}`)];
  const type = textAt(raw, 'type');
  const isFree = raw['x-kubernetes-int-or-string'] === true || raw['x-kubernetes-preserve-unknown-fields'] === true;
  const pattern = textAt(raw, 'pattern');
  const trouble = pattern === '' ? undefined : patternTrouble(pattern);
  const { items, additionalProperties } = raw;
  const children = Object.entries(objectAt(raw, 'properties')).filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
  return [
    ...(type === '' && !isFree ? [required(`${field}.type`, 'must not be empty for specified object fields')] : []),
    ...(type !== '' && !types.includes(type) ? [unsupported(`${field}.type`, type, types)] : []),
    ...(type === 'array' && !isObject(items) ? [required(`${field}.items`, 'must be specified')] : []),
    ...(raw['uniqueItems'] === true
      ? [forbidden(`${field}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')]
      : []),
    ...(trouble === undefined ? [] : [invalid(`${field}.pattern`, pattern, `must be a valid regular expression, but isn't: ${trouble}`)]),
    ...children.flatMap(([key, child]) =>
      key === 'metadata' && depth === 0 ? [] : schemaErrors(child, `${field}.properties[${key}]`, depth + 1),
    ),
    ...(isObject(items) ? schemaErrors(items, `${field}.items`, depth + 1) : []),
    ...(isObject(additionalProperties) ? schemaErrors(additionalProperties, `${field}.additionalProperties`, depth + 1) : []),
  ];
}

/** The resources of a CRD, one for each version that is served. */
export function resourcesOf(crd: JsonObject): readonly Resource[] {
  return objectsAt(specOf(crd), 'versions')
    .filter((one) => one['served'] === true)
    .map((one) => makeResource(definitionOf(specOf(crd), one)));
}

function definitionOf(spec: JsonObject, one: JsonObject) {
  const given = objectAt(spec, 'names');
  const [group, plural, kind, version] = [textAt(spec, 'group'), textAt(given, 'plural'), textAt(given, 'kind'), textAt(one, 'name')];
  const apiVersion = apiVersionOf(group, version);
  const subresources = objectAt(one, 'subresources');
  const scale = subresources['scale'];
  return {
    group,
    version,
    plural,
    singular: textAt(given, 'singular') || kind.toLowerCase(),
    kind,
    listKind: textAt(given, 'listKind') || `${kind}List`,
    shortNames: textsAt(given, 'shortNames'),
    categories: textsAt(given, 'categories'),
    namespaced: textAt(spec, 'scope') === 'Namespaced',
    raw: objectAt(objectAt(one, 'schema'), 'openAPIV3Schema'),
    hasStatus: isObject(subresources['status']),
    ...(isObject(scale) ? { scale: scaleOf(scale) } : {}),
    columns: columnsOf(one),
    selectable: objectsAt(one, 'selectableFields').map((field) => textAt(field, 'jsonPath')),
    nameRule: 'subdomain' as const,
    storage: `${plural}.${group}`,
    hasGeneration: true,
    isBuiltIn: false,
    // As it is, where it is of this version: whoever shows it many times makes its text once.
    fromStored: (object: JsonObject): JsonObject => (object['apiVersion'] === apiVersion ? object : { ...object, apiVersion }),
  };
}

function scaleOf(scale: JsonObject): Scale {
  const selector = textAt(scale, 'labelSelectorPath');
  return {
    specReplicasPath: textAt(scale, 'specReplicasPath'),
    statusReplicasPath: textAt(scale, 'statusReplicasPath'),
    ...(selector === '' ? {} : { labelSelectorPath: selector }),
  };
}

function columnsOf(one: JsonObject): readonly Column[] {
  const given = objectsAt(one, 'additionalPrinterColumns');
  if (given.length === 0) return [age];
  return given.map((column) => ({
    name: textAt(column, 'name'),
    type: textAt(column, 'type'),
    jsonPath: textAt(column, 'jsonPath'),
    description: textAt(column, 'description'),
    format: textAt(column, 'format'),
    priority: typeof column['priority'] === 'number' ? column['priority'] : 0,
  }));
}

/** What the server tells of a CRD that it serves. */
export function establishedStatus(crd: JsonObject, now: string): JsonObject {
  const spec = specOf(crd);
  const given = objectAt(spec, 'names');
  const kind = textAt(given, 'kind');
  const names: JsonObject = {
    ...given,
    singular: textAt(given, 'singular') || kind.toLowerCase(),
    listKind: textAt(given, 'listKind') || `${kind}List`,
  };
  const stored = objectsAt(spec, 'versions').filter((one) => one['storage'] === true);
  const before = textsAt(objectAt(crd, 'status'), 'storedVersions');
  const known = objectsAt(objectAt(crd, 'status'), 'conditions');
  const condition = (type: string, reason: string, message: string): Json =>
    known.find((one) => one['type'] === type) ?? { type, status: 'True', reason, message, lastTransitionTime: now };
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: names,
    storedVersions: [...new Set([...before, ...stored.map((one) => textAt(one, 'name'))])],
  };
}
