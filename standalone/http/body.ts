import type { IncomingMessage } from 'node:http';
import * as yaml from 'js-yaml';
import { hostility, isObject, type Json, type JsonObject } from '../json.js';
import { badRequest, StatusError, unsupportedMediaType } from '../requests/status.js';
import { firstLineOf, messageOf } from '../trouble.js';
import { duplicateKeys } from './duplicates.js';
import { protobufType, readProtobuf } from './protobuf.js';

/** As kube-apiserver takes. */
const maxBytes = 3 * 2 ** 20;

export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBytes}`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

const jsonTypes = [
  'application/json',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const yamlTypes = ['application/yaml', 'application/x-yaml', 'application/apply-patch+yaml'];

export interface Body<T extends Json = Json> {
  readonly value: T;
  /** Keys that were said more than once, by their paths. */
  readonly duplicates: readonly string[];
}

/** @throws StatusError for what is none, or is meant to harm */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const type = mediaType(request) || 'application/json';
  const body = parse(type, await readBytes(request));
  const trouble = hostility(body.value);
  if (trouble !== undefined) throw badRequest(`the body is not taken: ${trouble}`);
  return body;
}

export async function readObject(request: IncomingMessage): Promise<Body<JsonObject>> {
  const { value, duplicates } = await readBody(request);
  if (!isObject(value)) throw badRequest('the body is no object');
  return { value, duplicates };
}

function parse(type: string, bytes: Buffer): Body {
  if (type === protobufType) return { value: readProtobuf(bytes), duplicates: [] };
  if (jsonTypes.includes(type)) return parseJson(bytes.toString('utf8'));
  if (yamlTypes.includes(type)) return parseYaml(bytes.toString('utf8'));
  throw unsupportedMediaType(type, [...jsonTypes, ...yamlTypes, protobufType]);
}

/** JSON is YAML, and is read a hundred times faster by what reads only that. YAML takes no key twice. */
function parseYaml(text: string): Body {
  if (/^\s*\{/.test(text)) {
    try {
      return { value: JSON.parse(text) as Json, duplicates: duplicateKeys(text) };
    } catch {
      // A flow mapping of YAML, then.
    }
  }
  try {
    return { value: yaml.load(text, { schema: yaml.JSON_SCHEMA }) as Json, duplicates: [] };
  } catch (reason) {
    throw badRequest(`error converting YAML to JSON: ${firstLineOf(reason)}`);
  }
}

function parseJson(text: string): Body {
  try {
    return { value: JSON.parse(text) as Json, duplicates: duplicateKeys(text) };
  } catch (reason) {
    throw badRequest(`the body is no JSON: ${messageOf(reason)}`);
  }
}
