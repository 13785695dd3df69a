import { isObject, type Json, type JsonObject } from '../json.js';

/**
 * Fields of an object, as managedFields has them (`fieldsV1`): `f:name` of a map, `k:{"name":"x"}` of a list by key, `v:"x"` of a set. A branch may
 * itself be a member (`.`) beside what is beneath it; one without children always is.
 */
export interface FieldSet {
  readonly self: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const nothing: FieldSet = { self: false, children: new Map() };
export const whole: FieldSet = { self: true, children: new Map() };

export const isEmpty = ({ self, children }: FieldSet): boolean => !self && children.size === 0;

export const childOf = (set: FieldSet, element: string): FieldSet => set.children.get(element) ?? nothing;

/** Of members of two sets: where either has it, where both have it, and so on. */
function combine(one: FieldSet, other: FieldSet, has: (one: boolean, other: boolean) => boolean): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const element of new Set([...one.children.keys(), ...other.children.keys()])) {
    const child = combine(childOf(one, element), childOf(other, element), has);
    if (!isEmpty(child)) children.set(element, child);
  }
  return { self: has(one.self, other.self), children };
}

export const union = (one: FieldSet, other: FieldSet): FieldSet => combine(one, other, (a, b) => a || b);
export const intersection = (one: FieldSet, other: FieldSet): FieldSet => combine(one, other, (a, b) => a && b);
export const difference = (one: FieldSet, other: FieldSet): FieldSet => combine(one, other, (a, b) => a && !b);

/** With all fields of maps that members are beneath: who has a field of a map has the map, as long as it is there. */
export function withMaps({ self, children }: FieldSet): FieldSet {
  const all = [...children].map(([element, child]) => {
    const beneath = withMaps(child);
    return [element, element.startsWith('f:') ? { ...beneath, self: true } : beneath] as const;
  });
  return { self, children: new Map(all) };
}

export const sameSet = (one: FieldSet, other: FieldSet): boolean =>
  one.self === other.self &&
  one.children.size === other.children.size &&
  [...one.children].every(([element, child]) => sameSet(child, childOf(other, element)));

/** The paths of all members, each as its elements. */
export function members(set: FieldSet, path: readonly string[] = []): readonly (readonly string[])[] {
  const beneath = [...set.children].flatMap(([element, child]) => members(child, [...path, element]));
  return set.self ? [path, ...beneath] : beneath;
}

/** `.spec.disks[name="root"].size`, as Kubernetes writes a field in a message. */
export const pathText = (path: readonly string[]): string => path.map(elementText).join('');

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  const keys = JSON.parse(rest) as JsonObject;
  const texts = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${texts.join(',')}]`;
}

export function encodeSet({ self, children }: FieldSet): JsonObject {
  const entries = [...children].sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, child]) => [key, encodeSet(child)] as const);
  return Object.fromEntries(self && children.size > 0 ? [['.', {}] as const, ...entries] : entries);
}

/** What a client sends is read with care: what is no field is left out. */
export function decodeSet(value: Json | undefined): FieldSet {
  return isObject(value) ? decodeLevel(value, false) : nothing;
}

function decodeLevel(value: JsonObject, isMember: boolean): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of Object.entries(value)) {
    if (isElement(element) && isObject(child)) children.set(element, decodeLevel(child, true));
  }
  return { self: isMember && (children.size === 0 || value['.'] !== undefined), children };
}

function isElement(text: string): boolean {
  if (text.startsWith('f:')) return true;
  if (!text.startsWith('k:') && !text.startsWith('v:')) return false;
  try {
    const value: unknown = JSON.parse(text.slice(2));
    return text.startsWith('v:') || (typeof value === 'object' && value !== null && !Array.isArray(value));
  } catch {
    return false;
  }
}
