import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json.js';

/**
 * A structural schema of Kubernetes (`openAPIV3Schema` of a CRD) as far as one walks it: what is pruned, defaulted, merged, and told by rules. What a
 * value itself must be like is ajv's, from `raw`.
 */
export interface Schema {
  readonly kind: 'map' | 'list' | 'scalar' | 'any';
  readonly raw: JsonObject;
  readonly properties: ReadonlyMap<string, Schema>;
  /** Of every key that is not a property. */
  readonly additional?: Schema;
  readonly items?: Schema;
  readonly keepsUnknown: boolean;
  readonly isEmbedded: boolean;
  readonly isNullable: boolean;
  readonly default?: Json;
  /** Of a map or list: merged as a whole. */
  readonly isAtomic: boolean;
  /** Of a list that is merged item by item. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  readonly rules: readonly Rule[];
}

/** Of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf: boolean;
}

/** Anything goes, and what is in it is merged as it comes: maps key by key, lists whole. */
export const anything: Schema = {
  kind: 'any',
  raw: {},
  properties: new Map(),
  keepsUnknown: true,
  isEmbedded: false,
  isNullable: true,
  isAtomic: false,
  listType: 'atomic',
  listKeys: [],
  rules: [],
};

export function readSchema(raw: JsonObject): Schema {
  const { additionalProperties, items } = raw;
  const properties = Object.entries(objectAt(raw, 'properties')).filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
  const listType = textAt(raw, 'x-kubernetes-list-type');
  const kind = kindOf(raw, properties.length > 0);
  return {
    kind,
    raw,
    properties: new Map(properties.map(([name, schema]) => [name, readSchema(schema)])),
    ...(isObject(additionalProperties) ? { additional: readSchema(additionalProperties) } : {}),
    ...(additionalProperties === true ? { additional: anything } : {}),
    ...(isObject(items) ? { items: readSchema(items) } : {}),
    keepsUnknown: raw['x-kubernetes-preserve-unknown-fields'] === true,
    isEmbedded: raw['x-kubernetes-embedded-resource'] === true,
    isNullable: raw['nullable'] === true,
    ...(raw['default'] === undefined ? {} : { default: raw['default'] }),
    isAtomic: kind === 'list' ? listType !== 'map' && listType !== 'set' : raw['x-kubernetes-map-type'] === 'atomic',
    listType: listType === 'map' || listType === 'set' ? listType : 'atomic',
    listKeys: textsAt(raw, 'x-kubernetes-list-map-keys'),
    rules: objectsAt(raw, 'x-kubernetes-validations').map(readRule),
  };
}

function kindOf(raw: JsonObject, hasProperties: boolean): Schema['kind'] {
  if (raw['x-kubernetes-int-or-string'] === true) return 'scalar';
  const type = raw['type'];
  if (type === 'object' || hasProperties) return 'map';
  if (type === 'array') return 'list';
  return type === undefined ? 'any' : 'scalar';
}

function readRule(raw: JsonObject): Rule {
  const optional = (key: 'message' | 'messageExpression' | 'reason' | 'fieldPath') =>
    typeof raw[key] === 'string' ? { [key]: raw[key] } : {};
  return {
    rule: textAt(raw, 'rule'),
    ...optional('message'),
    ...optional('messageExpression'),
    ...optional('reason'),
    ...optional('fieldPath'),
    optionalOldSelf: raw['optionalOldSelf'] === true,
  };
}

/** Of what stands behind that key; undefined for a key that the schema does not know. */
export function schemaOf(schema: Schema, key: string): Schema | undefined {
  if (schema.kind === 'any') return anything;
  return schema.properties.get(key) ?? schema.additional ?? (schema.keepsUnknown ? anything : undefined);
}

export const itemsOf = (schema: Schema): Schema => schema.items ?? anything;
