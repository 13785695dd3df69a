import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type Crd, readCrds } from './schema.js';
import type { Kinds } from './types.js';

export type Kind = keyof Kinds;

/** An object from outside that does not have the form its kind promises. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * Checks that `raw` has the form its CRD promises (types, words, bounds; not the CEL rules, which are the API server's) and
 * fills in absent defaults, in `raw` itself. Fields that are not known stay and do no harm; of those that are null, which is
 * what server-side apply makes of an object that becomes empty, nothing stays.
 * Throws a DecodeError that names each path, what was given and what would be accepted.
 */
export function decode<K extends Kind>(kind: K, raw: unknown): Kinds[K] {
  const validate = validatorOf(kind);
  dropNulls(raw);
  if (validate(raw)) return sayingNothing(raw as Kinds[K]);
  const problems = (validate.errors ?? []).filter(isOwnWords).slice(0, 5).map(say);
  throw new DecodeError(`${kind} ${nameOf(raw)}: ${problems.join('; ')}`);
}

/** The mark of an object that nobody has looked at, which is for other readers, is to us a status that says nothing. */
function sayingNothing<R extends Kinds[Kind]>(object: R): R {
  const { status } = object as { status?: { observedGeneration?: number } };
  if (status?.observedGeneration === -1) delete status.observedGeneration;
  if (status !== undefined && Object.keys(status).length === 0) delete (object as { status?: object }).status;
  return object;
}

function dropNulls(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (child === null && !Array.isArray(value)) delete (value as Record<string, unknown>)[key];
    else dropNulls(child);
  }
}

const ajv = new Ajv({
  strict: false,
  allErrors: true,
  verbose: true,
  useDefaults: true,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, int32: true, int64: true },
});

let crds: ReadonlyMap<string, Crd> | undefined;
const validators = new Map<Kind, ValidateFunction>();

function validatorOf(kind: Kind): ValidateFunction {
  const known = validators.get(kind);
  if (known) return known;
  crds ??= readCrds();
  const crd = crds.get(kind);
  if (!crd) throw new DecodeError(`there is no kind ${kind}: accepted are ${[...crds.keys()].join(', ')}`);
  const validator = ajv.compile(schemaOf(crd));
  validators.set(kind, validator);
  return validator;
}

/** The CRD's schema, and what the API server itself promises of every object. */
function schemaOf({ spec: { group, scope, names, versions } }: Crd): object {
  const { properties } = versions[0].schema.openAPIV3Schema;
  return {
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      ...properties,
      apiVersion: { enum: [`${group}/${versions[0].name}`] },
      kind: { enum: [names.kind] },
      metadata: metadataSchema(scope === 'Namespaced'),
    },
  };
}

function metadataSchema(namespaced: boolean): object {
  const string = { type: 'string' };
  const strings = { type: 'object', additionalProperties: string };
  const owner = { type: 'object', required: ['apiVersion', 'kind', 'name', 'uid'] };
  return {
    type: 'object',
    required: ['name', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', ...(namespaced ? ['namespace'] : [])],
    properties: {
      ...Object.fromEntries(
        ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp'].map((key) => [key, string]),
      ),
      generation: { type: 'integer' },
      labels: strings,
      annotations: strings,
      finalizers: { type: 'array', items: string },
      ownerReferences: { type: 'array', items: owner },
    },
  };
}

/** The branches of a failed `anyOf` say less than the `anyOf` itself. */
const isOwnWords = (error: ErrorObject) => !error.schemaPath.includes('/anyOf/');

function say(error: ErrorObject): string {
  const path = pathOf(error.instancePath) || 'the object';
  if (error.keyword === 'required') return `${path} has no ${error.params['missingProperty']}`;
  return `${path} is ${quote(error.data)}, accepted: ${accepted(error)}`;
}

/** `/spec/disks/0/bus` as the API server writes it: `spec.disks[0].bus`. */
const pathOf = (pointer: string) =>
  pointer
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.')
    .replaceAll('~1', '/');

function accepted({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum') return (params['allowedValues'] as readonly unknown[]).join(', ');
  if (keyword === 'anyOf') return 'a whole number, or a quantity such as 8Gi';
  if (keyword === 'pattern') return `text like ${params['pattern']}`;
  return (message ?? keyword).replace(/^must (be )?/, '');
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function nameOf(raw: unknown): string {
  const { metadata } = (raw ?? {}) as { readonly metadata?: { readonly namespace?: unknown; readonly name?: unknown } | null };
  const parts = [metadata?.namespace, metadata?.name].filter((part) => typeof part === 'string');
  return parts.length > 0 ? parts.join('/') : 'without a name';
}
