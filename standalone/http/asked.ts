import { type JsonObject, textOf } from '../json.js';
import type { Subresource } from '../requests/change.js';
import { jsonPatchEdit } from '../requests/json-patch.js';
import type { Page } from '../requests/list.js';
import type { Edit } from '../requests/objects.js';
import { mergePatch, strategicPatch } from '../requests/patches.js';
import { fieldSelector, labelSelector } from '../requests/selectors.js';
import { badRequest, unsupportedMediaType } from '../requests/status.js';
import type { Resource } from '../resources/resource.js';
import { flagOf } from './query.js';

/** What a request asks for, in the words of Kubernetes' rights. */
export function verbOf({ method, query }: { readonly method: string; readonly query: URLSearchParams }, name: string): string {
  switch (method) {
    case 'GET':
      return flagOf(query, 'watch') ? 'watch' : name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}

export const part = (subresource: string): Subresource => (subresource === 'status' ? 'status' : '');

/** What says that it is what its address takes. @throws StatusError for what says anything else, or nothing */
export function sentFor({ apiVersion, kind }: Resource, sent: JsonObject): JsonObject {
  if (sent['kind'] !== kind || sent['apiVersion'] !== apiVersion)
    throw badRequest(
      `the object provided is a ${sent['apiVersion'] ?? 'nothing'}, Kind=${sent['kind'] ?? 'nothing'}; this address takes ${apiVersion}, Kind=${kind}`,
    );
  return sent;
}

export function editOf(type: string, body: Parameters<typeof mergePatch>[0], { isBuiltIn }: Resource): Edit {
  if (type === 'application/json-patch+json') return jsonPatchEdit(body);
  if (type === 'application/merge-patch+json') return mergePatch(body);
  if (type === 'application/strategic-merge-patch+json' && isBuiltIn) return strategicPatch(body);
  throw unsupportedMediaType(type, ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']);
}

export function selectsOf(query: URLSearchParams, resource: Resource) {
  const [labels, fields] = [query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''];
  const [byLabel, byField] = [
    labels === '' ? undefined : labelSelector(labels),
    fields === '' ? undefined : fieldSelector(fields, resource),
  ];
  return (object: JsonObject): boolean => (byLabel?.(object) ?? true) && (byField?.(object) ?? true);
}

export const listMetadata = ({ revision, continue: token, remaining }: Page): JsonObject => ({
  resourceVersion: revision,
  ...(token === '' ? {} : { continue: token, remainingItemCount: remaining }),
});

/** The same as JSON, of texts that are made once for each object. */
export function listText({ apiVersion, listKind }: Resource, page: Page): Buffer {
  const head = JSON.stringify({ apiVersion, kind: listKind, metadata: listMetadata(page) });
  return Buffer.from(`${head.slice(0, -1)},"items":[${page.items.map(textOf).join(',')}]}`);
}

export const listOf = ({ apiVersion, listKind }: Resource, page: Page): JsonObject => ({
  apiVersion,
  kind: listKind,
  metadata: listMetadata(page),
  items: page.items,
});
