import { isIPv4, isIPv6 } from 'node:net';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { RE2JS } from 're2js';
import { isList, isObject, type Json, type JsonObject } from '../json.js';
import { troubleOf } from '../trouble.js';
import { type FieldError, invalid, required, tooLong, tooMany, typeInvalid, unsupported } from './field-error.js';
import { matches } from './functions.js';
import { parseNetwork } from './network.js';

/** Of a value that it is as the schema says, but for what is Kubernetes' own (lists by key, rules). */
export type ValueCheck = (value: Json) => readonly FieldError[];

const ajv = new Ajv({
  strict: false,
  allErrors: true,
  validateFormats: true,
  verbose: true,
  // A pattern that would take for ever in JavaScript's own engine does not in this one.
  code: {
    regExp: Object.assign((pattern: string) => ({ test: (text: string) => matches(text, pattern), toString: () => pattern }), { code: '' }),
  },
});
const within = (least: number, most: number) => ({ type: 'number' as const, validate: (value: number) => value >= least && value <= most });
ajv
  .addFormat(
    'date-time',
    (text: string) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  )
  .addFormat('date', /^\d{4}-\d\d-\d\d$/)
  .addFormat('byte', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
  .addFormat('int32', within(-(2 ** 31), 2 ** 31 - 1))
  .addFormat('int64', within(-(2 ** 63), 2 ** 63))
  .addFormat('ipv4', isIPv4)
  .addFormat('ipv6', isIPv6)
  .addFormat('cidr', (text: string) => parseNetwork(text) !== undefined)
  .addFormat('uuid', /^[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$/);

/** @throws Error for a schema that is none */
export function valueCheck(raw: JsonObject): ValueCheck {
  const schema = asJsonSchema(raw);
  const check: ValidateFunction = ajv.compile(schema);
  // Else ajv keeps it for ever, whatever becomes of the CRD.
  ajv.removeSchema(schema);
  return (value) => (check(value) ? [] : errorsOf(check.errors ?? []));
}

const passedOn = [
  'enum',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
];
const passedOnOfMany = ['minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties', 'required'];

/** Draft 4 of JSON schema with Kubernetes' own words, in the words of ajv. */
function asJsonSchema(raw: JsonObject): JsonObject {
  const entries = [...passedOn, ...passedOnOfMany].flatMap((key) => (raw[key] === undefined ? [] : [[key, raw[key]] as const]));
  const { type, properties, items, additionalProperties, not } = raw;
  const known = typeof raw['format'] === 'string' && ajv.formats[raw['format']] === undefined ? ['format'] : [];
  return {
    ...Object.fromEntries(entries.filter(([key]) => !known.includes(key))),
    ...exclusive(raw, 'minimum', 'exclusiveMinimum'),
    ...exclusive(raw, 'maximum', 'exclusiveMaximum'),
    ...(raw['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : type === undefined ? {} : { type }),
    ...(raw['nullable'] === true && type !== undefined ? { nullable: true } : {}),
    ...(isObject(properties) ? { properties: mapped(properties) } : {}),
    ...(isObject(items) ? { items: asJsonSchema(items) } : {}),
    ...(isObject(additionalProperties) ? { additionalProperties: asJsonSchema(additionalProperties) } : {}),
    ...(isObject(not) ? { not: asJsonSchema(not) } : {}),
    ...Object.fromEntries(
      ['allOf', 'anyOf', 'oneOf'].flatMap((key) => (isList(raw[key]) ? [[key, raw[key].filter(isObject).map(asJsonSchema)]] : [])),
    ),
  };
}

const mapped = (schemas: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, isObject(schema) ? asJsonSchema(schema) : {}]));

/** In draft 4 a bound is exclusive by a word beside it. */
function exclusive(raw: JsonObject, bound: string, word: string): JsonObject {
  const limit = raw[bound];
  if (raw[word] !== true || limit === undefined) return {};
  // undefined takes the key out when ajv reads it.
  return { [word]: limit };
}

/** How a field stands in Kubernetes' messages: `spec.disks[0].name`, `metadata.labels[a.b/c]`. */
export function fieldText(path: readonly string[]): string {
  return path
    .map((part, at) => (/^\d+$/.test(part) ? `[${part}]` : /[./]/.test(part) ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

const unescaped = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function errorsOf(errors: readonly ErrorObject[]): readonly FieldError[] {
  return errors.filter(({ keyword }) => !['if', 'anyOf', 'oneOf', 'allOf'].includes(keyword) || errors.length === 1).map(errorOf);
}

function errorOf(error: ErrorObject): FieldError {
  const path = unescaped(error.instancePath);
  const field = fieldText(path);
  const value = error.data as Json;
  const params = error.params as Readonly<Record<string, Json>>;
  const body = `${field || '<root>'} in body`;
  switch (error.keyword) {
    case 'required':
      return required(fieldText([...path, String(params['missingProperty'])]));
    case 'type':
      return typeInvalid(field, value, `${body} must be of type ${[params['type']].flat().join(',')}: ${JSON.stringify(kindOf(value))}`);
    case 'enum':
      return unsupported(field, value, (error.schema as readonly Json[]) ?? []);
    case 'maxLength':
      return tooLong(field, Number(params['limit']));
    case 'maxItems':
      return tooMany(field, isList(value) ? value.length : 0, Number(params['limit']));
    case 'pattern':
      return invalid(field, value, `${body} should match '${params['pattern']}'`);
    case 'minimum':
    case 'exclusiveMinimum':
      return invalid(field, value, `${body} should be greater than ${error.keyword === 'minimum' ? 'or equal to ' : ''}${params['limit']}`);
    case 'maximum':
    case 'exclusiveMaximum':
      return invalid(field, value, `${body} should be less than ${error.keyword === 'maximum' ? 'or equal to ' : ''}${params['limit']}`);
    case 'minLength':
      return invalid(field, value, `${body} should be at least ${params['limit']} chars long`);
    case 'minItems':
      return invalid(field, value, `${body} should have at least ${params['limit']} items`);
    case 'maxProperties':
      return tooMany(field, isObject(value) ? Object.keys(value).length : 0, Number(params['limit']));
    case 'minProperties':
      return invalid(field, value, `${body} should have at least ${params['limit']} properties`);
    case 'format':
      return invalid(field, value, `${body} must be of type ${params['format']}: ${JSON.stringify(value)}`);
    default:
      return invalid(field, value, `${body} ${error.message ?? error.keyword}`);
  }
}

const kindOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** A pattern that RE2 does not know is no pattern. */
export const patternTrouble = (pattern: string): string | undefined => troubleOf(() => RE2JS.compile(pattern));
