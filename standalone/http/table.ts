import { isList, isObject, type Json, type JsonObject } from '../json.js';
import { valuesAt } from '../requests/path.js';
import { metadataOf } from '../resources/metadata.js';
import type { Column, Resource } from '../resources/resource.js';

/** How a client wants to see objects. */
export type View =
  | { readonly kind: 'object' }
  | { readonly kind: 'metadata' }
  | { readonly kind: 'table'; readonly version: string; readonly include: 'None' | 'Metadata' | 'Object' };

export function viewOf(accept: string, includeObject: string | null): View {
  for (const wanted of accept.split(',')) {
    const [, version = ''] = /;\s*v=(v1(?:beta1)?)\b/.exec(wanted) ?? [];
    if (/;\s*as=Table\b/.test(wanted)) {
      const include = includeObject === 'None' || includeObject === 'Object' ? includeObject : 'Metadata';
      return { kind: 'table', version: version || 'v1', include };
    }
    if (/;\s*as=PartialObjectMetadata(List)?\b/.test(wanted)) return { kind: 'metadata' };
    if (/^\s*(application\/json|\*\/\*)\s*(;q=[\d.]+)?$/.test(wanted)) return { kind: 'object' };
  }
  return { kind: 'object' };
}

export function tableOf(
  objects: readonly JsonObject[],
  resource: Resource,
  view: View & { readonly kind: 'table' },
  metadata: JsonObject,
  now: number,
): JsonObject {
  const name: Column = {
    name: 'Name',
    type: 'string',
    jsonPath: '.metadata.name',
    description: 'Name must be unique within a namespace.',
    format: 'name',
    priority: 0,
  };
  const columns = [name, ...resource.columns];
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${view.version}`,
    metadata,
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({
      name,
      type: type === 'count' ? 'string' : type,
      format,
      description,
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => cell(object, column, now)),
      ...(view.include === 'None' ? {} : { object: view.include === 'Object' ? object : partial(object) }),
    })),
  };
}

export const partial = (object: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: metadataOf(object),
});

function cell(object: JsonObject, { jsonPath, type }: Column, now: number): Json {
  const found = valuesAt(object, jsonPath);
  const [value] = found;
  if (type === 'count') return isObject(value) ? Object.keys(value).length : 0;
  if (value === undefined || value === null) return type === 'date' ? '<unknown>' : type === 'string' ? '' : null;
  if (type === 'date') return ageText(now - Date.parse(`${value}`));
  if (type === 'string') return found.length > 1 ? found.map(cellText).join(' ') : cellText(value);
  return typeof value === 'object' ? cellText(value) : value;
}

const cellText = (value: Json): string =>
  typeof value === 'string' ? value : isList(value) || isObject(value) ? JSON.stringify(value) : `${value}`;

/** As kubectl writes it: `5s`, `3m20s`, `5h`, `2d3h`, `400d`. */
export function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (Number.isNaN(seconds) || seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  const pair = (whole: number, unit: string, part: number, small: string) =>
    part === 0 ? `${whole}${unit}` : `${whole}${unit}${part}${small}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  return days < 2920 ? pair(Math.floor(days / 365), 'y', days % 365, 'd') : `${Math.floor(days / 365)}y`;
}
