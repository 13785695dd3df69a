import { Complaint } from '../complaint.js';

type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: JsonPath; readonly value: string };

export type JsonPath = readonly Step[];

const token =
  /^(?:\.((?:[^.[\]\\'"\s]|\\.)+)|\[(-?\d+)\]|\[(\*)\]|\['((?:[^'\\]|\\.)+)'\]|\["((?:[^"\\]|\\.)+)"\]|\[\?\(\s*@((?:\.[^=.\s]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\)\])/;

/** `{.status.conditions[?(@.type=="Ready")].status}`, as kubectl writes it; without braces, too. Throws a Complaint. */
export function parseJsonPath(text: string): JsonPath {
  const path = /^\{(.*)\}$/s.exec(text)?.[1] ?? text;
  const steps: Step[] = [];
  for (let rest = path.startsWith('.') || path.startsWith('[') ? path : `.${path}`; rest !== ''; ) {
    const match = token.exec(rest);
    if (match === null)
      throw new Complaint(
        `"${rest}" in the path "${text}" is not understood; accepted are .name, [0], [*], ['name'] and [?(@.name=="value")], one after the other`,
      );
    steps.push(stepOf(match));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function stepOf([, name, index, all, single, double, filter, wanted, alsoWanted, bare]: RegExpExecArray): Step {
  const key = name ?? single ?? double;
  if (key === '*' || all !== undefined) return { kind: 'all' };
  if (key !== undefined) return { kind: 'key', key: key.replace(/\\(.)/g, '$1') };
  if (index !== undefined) return { kind: 'index', at: Number(index) };
  return { kind: 'filter', path: parseJsonPath(filter ?? ''), value: wanted ?? alsoWanted ?? bare ?? '' };
}

/** Everything that is there. */
export const valuesAt = (value: unknown, path: JsonPath): readonly unknown[] =>
  path.reduce<readonly unknown[]>((found, step) => found.flatMap((one) => take(one, step)), [value]);

function take(value: unknown, step: Step): readonly unknown[] {
  const children = typeof value === 'object' && value !== null ? value : {};
  switch (step.kind) {
    case 'key': {
      const child =
        Object.hasOwn(children, step.key) && !Array.isArray(value) ? (children as Record<string, unknown>)[step.key] : undefined;
      return child === undefined ? [] : [child];
    }
    case 'index': {
      const item = Array.isArray(value) ? value.at(step.at) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Object.values(children);
    case 'filter':
      return Array.isArray(value) ? value.filter((item) => valuesAt(item, step.path).some((one) => `${one}` === step.value)) : [];
  }
}

/** As it is compared and printed: text bare, all else as JSON. */
export const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The first that is there, for paths that are known to be right. */
export const valueAt = (value: unknown, path: string): unknown => valuesAt(value, parseJsonPath(path))[0];

/** All that is there, as text, for such paths. */
export const textsAt = (value: unknown, path: string): readonly string[] => valuesAt(value, parseJsonPath(path)).map(plain);
