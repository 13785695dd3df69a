import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../kubernetes/resource.js';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNamed = (value: unknown): value is readonly { readonly name: string }[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => isFields(one) && typeof one['name'] === 'string');

/** Which fields of people's are others, as `spec.disks[root].size`; no values, as some are secret. Pure. */
export function differing(before: KubernetesObject, after: KubernetesObject): readonly string[] {
  const { metadata: had, status: _, ...rest } = before;
  const { metadata: has, status: __, ...others } = after;
  const meta = ({ labels = {}, annotations = {}, finalizers = [], ownerReferences = [] }: KubernetesObject['metadata']) => ({
    labels,
    annotations,
    finalizers,
    ownerReferences,
  });
  return pathsOf({ metadata: meta(had), ...rest }, { metadata: meta(has), ...others }, '');
}

function pathsOf(before: unknown, after: unknown, path: string): readonly string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isFields(before) && isFields(after)) return within(before, after, (key) => (path === '' ? key : `${path}.${key}`));
  if (isNamed(before) && isNamed(after)) {
    const paths = within(byName(before), byName(after), (name) => `${path}[${name}]`);
    return paths.length === 0 ? [path] : paths;
  }
  return [path];
}

const byName = (list: readonly { readonly name: string }[]): Fields => Object.fromEntries(list.map((one) => [one.name, one]));

const within = (before: Fields, after: Fields, pathTo: (key: string) => string): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => pathsOf(before[key], after[key], pathTo(key)));
