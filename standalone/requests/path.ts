import { isList, isObject, type Json, type JsonObject } from '../json.js';

type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: readonly Step[]; readonly value: string };

const steps = new Map<string, readonly Step[]>();

/** Everything behind a path as CRDs have them: `.status.conditions[?(@.type=="Ready")].status`, `.spec.disks[*].name`, `.metadata.labels['a/b']`. */
export function valuesAt(object: Json, path: string): readonly Json[] {
  const known = steps.get(path) ?? parse(path);
  if (steps.size > 10_000) steps.clear();
  steps.set(path, known);
  return walk([object], known);
}

export const valueAt = (object: Json, path: string): Json | undefined => valuesAt(object, path)[0];

/** As a selector compares it; nothing is the empty text. */
export function textAtPath(object: JsonObject, path: string): string {
  const value = valueAt(object, path);
  return value === undefined || value === null || typeof value === 'object' ? '' : `${value}`;
}

function walk(values: readonly Json[], path: readonly Step[]): readonly Json[] {
  return path.reduce((found, step) => found.flatMap((value) => take(value, step)), values);
}

function take(value: Json, step: Step): readonly Json[] {
  switch (step.kind) {
    case 'key': {
      const child = isObject(value) && Object.hasOwn(value, step.key) ? value[step.key] : undefined;
      return child === undefined ? [] : [child];
    }
    case 'index': {
      const item = isList(value) ? value.at(step.at) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return isList(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'filter':
      return isList(value) ? value.filter((item) => walk([item], step.path).some((one) => `${one}` === step.value)) : [];
  }
}

const token =
  /^(?:\.((?:[^.[\\]|\\.)+)|\[(-?\d+)\]|\[(\*)\]|\['((?:[^'\\]|\\.)+)'\]|\["((?:[^"\\]|\\.)+)"\]|\[\?\(@((?:\.[^=\s]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\])/;

function parse(path: string): readonly Step[] {
  const found: Step[] = [];
  for (let rest = path; rest !== ''; ) {
    const match = token.exec(rest);
    if (match === null) return [];
    const [whole, name, index, all, single, double, filter, wanted, alsoWanted] = match;
    const key = name ?? single ?? double;
    if (key !== undefined) found.push(key === '*' ? { kind: 'all' } : { kind: 'key', key: key.replace(/\\(.)/g, '$1') });
    else if (index !== undefined) found.push({ kind: 'index', at: Number(index) });
    else if (all !== undefined) found.push({ kind: 'all' });
    else found.push({ kind: 'filter', path: parse(filter ?? ''), value: wanted ?? alsoWanted ?? '' });
    rest = rest.slice(whole.length);
  }
  return found;
}
