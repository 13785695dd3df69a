import { CORE_SCHEMA, defineScalarTag, loadAll, mergeTag, NOT_RESOLVED, Schema, type YAMLException } from 'js-yaml';
import { Failure } from '../complaint.js';
import { isJson, type Json } from '../json.js';

/** One object to be applied, and where it stands. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface Placed {
  readonly manifest: Manifest;
  /** `web.yaml, document 2`; of a list `web.yaml, document 2, items[3]`. */
  readonly where: string;
}

/** What API servers take of one object. */
const largest = 3 * 2 ** 20;
const deepest = 64;

/**
 * All objects in a text of YAML or JSON, lists taken apart; nothing where there is nothing. Throws a Failure that names the place, and
 * what would be accepted there; it quotes no more than a key, for the text may hold a secret.
 */
export function parseManifests(text: string, file: string): readonly Placed[] {
  const documents = parse(text, file);
  return documents.flatMap((document, at) => {
    const where = documents.length === 1 ? file : `${file}, document ${at + 1}`;
    if (document === null || document === undefined) return [];
    const trouble = hostility(document);
    if (trouble !== undefined) throw new Failure(`${where}: ${trouble}`);
    return objectsIn(document, where);
  });
}

/** What YAML 1.1, as kubectl reads it, takes for booleans and octal numbers, and YAML 1.2 for text and decimal ones. */
const ambiguous = defineScalarTag('tag:virtwright.io,2026:ambiguous', {
  implicit: true,
  identify: () => false,
  resolve: (source) => {
    if (!/^(y|n|yes|no|on|off|[-+]?0[0-7]+|[-+]?0b[01_]+|[-+]?\d+_[\d_]*)$/i.test(source)) return NOT_RESOLVED;
    throw new Ambiguous(source);
  },
});
// The first that matches counts.
const schema = new Schema([ambiguous, ...CORE_SCHEMA.tags, mergeTag]);

class Ambiguous extends Error {}

function parse(text: string, file: string): readonly unknown[] {
  if (Buffer.byteLength(text) > 16 * largest) throw new Failure(`${file}: larger than ${(16 * largest) / 2 ** 20} MiB`);
  try {
    return loadAll(text, { schema, filename: file, maxAliases: 1_000, maxDepth: deepest, maxTotalMergeKeys: 10_000 });
  } catch (reason) {
    if (reason instanceof Ambiguous)
      throw new Failure(
        `${file}: "${reason.message}" is read in different ways: write true, false or a plain number, or put it into quotes`,
      );
    if (!isYamlTrouble(reason)) throw new Failure(`${file}: cannot be read as YAML`);
    throw new Failure(`${file}${reason.mark === undefined ? '' : `, line ${reason.mark.line + 1}`}: ${reason.reason}`);
  }
}

const isYamlTrouble = (reason: unknown): reason is YAMLException => reason instanceof Error && reason.name === 'YAMLException';

/** What must not be sent: what aliases make of a few lines, and numbers that lose their end on the way. */
function hostility(document: unknown): string | undefined {
  let left = largest;
  const visit = (value: unknown, path: string, depth: number): string | undefined => {
    left -= typeof value === 'string' ? value.length + 2 : 4;
    if (left < 0) return `larger than ${largest / 2 ** 20} MiB once its aliases are written out`;
    if (depth > deepest) return `${path || 'it'} lies deeper than ${deepest} levels`;
    if (typeof value === 'number' && !Number.isFinite(value)) return `${path} is ${value}, accepted is a finite number`;
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      return `${path} is a number beyond 2^53, which loses its end on the way; put it into quotes`;
    if (typeof value !== 'object' || value === null) return undefined;
    for (const [key, child] of Object.entries(value)) {
      left -= key.length;
      const found = visit(child, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(document, '', 0);
}

function objectsIn(document: unknown, where: string): readonly Placed[] {
  if (!isJson(document))
    throw new Failure(
      `${where}: ${Array.isArray(document) ? 'a list' : 'a text or number'} given, accepted is an object with apiVersion, kind and metadata`,
    );
  const { kind, items } = document;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item, at) => objectsIn(item, `${where}, items[${at}]`));
  return [{ manifest: checked(document, where), where }];
}

function checked(document: Json, where: string): Manifest {
  const { apiVersion, kind, metadata } = document;
  for (const [field, value] of Object.entries({ apiVersion, kind }))
    if (typeof value !== 'string' || value === '')
      throw new Failure(`${where}: ${field} is ${said(value)}, accepted is a text, as ${examples[field]}`);
  if (!isJson(metadata)) throw new Failure(`${where}: metadata is ${said(metadata)}, accepted is an object with a name`);
  if (metadata['name'] === undefined && metadata['generateName'] !== undefined)
    throw new Failure(`${where}: metadata.generateName makes another object every time; accepted is metadata.name, or kubectl create`);
  for (const field of ['name', 'namespace']) {
    const value = metadata[field];
    if (field === 'namespace' && value === undefined) continue;
    if (typeof value !== 'string' || value === '') throw new Failure(`${where}: metadata.${field} is ${said(value)}, accepted is a text`);
  }
  return document as unknown as Manifest;
}

const examples: Readonly<Record<string, string>> = { apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine' };

const said = (value: unknown): string =>
  value === undefined
    ? 'missing'
    : value === ''
      ? 'empty'
      : value === null
        ? 'null'
        : Array.isArray(value)
          ? 'a list'
          : `a ${typeof value}`;
