import { attribute, isElement, localName, textOf, type XmlElement, type XmlNode } from './tree.js';

/** Edits that give back the very same element when there is nothing to change. */

/** Sets an attribute without namespace, or with `undefined` takes it away. */
export function withAttribute(of: XmlElement, name: string, value: string | undefined): XmlElement {
  if (attribute(of, name) === value) return of;
  const there = of.attributes.some((each) => each.name === name);
  if (value === undefined) return { ...of, attributes: of.attributes.filter((each) => each.name !== name) };
  if (!there) return { ...of, attributes: [...of.attributes, { name, namespace: '', value }] };
  return { ...of, attributes: of.attributes.map((each) => (each.name === name ? { ...each, value } : each)) };
}

/** Replaces all content by that text. */
export function withText(of: XmlElement, text: string): XmlElement {
  if (textOf(of) === text && of.children.every((node) => node.kind === 'text')) return of;
  return { ...of, children: text === '' ? [] : [{ kind: 'text', text }] };
}

/** Each child becomes what `edit` makes of it: itself, another, or nothing. */
export function mapChildren(of: XmlElement, edit: (node: XmlNode) => XmlNode | undefined): XmlElement {
  let changed = false;
  const children = of.children.flatMap((node) => {
    const edited = edit(node);
    if (edited !== node) changed = true;
    return edited === undefined ? [] : [edited];
  });
  return changed ? { ...of, children } : of;
}

/** Edits the first child of that name; when there is none, `absent` is edited and appended. `edit` may give `undefined`: no such child then. */
export function withChild(of: XmlElement, absent: XmlElement, edit: (found: XmlElement) => XmlElement | undefined): XmlElement {
  const found = of.children.find((node): node is XmlElement => isElement(node, localName(absent), absent.namespace));
  if (found !== undefined) return mapChildren(of, (node) => (node === found ? edit(found) : node));
  const made = edit(absent);
  return made === undefined ? of : append(of, made);
}

export function withoutChildren(of: XmlElement, unwanted: (child: XmlElement) => boolean): XmlElement {
  return mapChildren(of, (node) => (node.kind === 'element' && unwanted(node) ? undefined : node));
}

export function append(to: XmlElement, ...added: readonly XmlElement[]): XmlElement {
  return added.length === 0 ? to : { ...to, children: [...to.children, ...added] };
}

/** Puts `added` right after the last child that matches, or at the end. */
export function insertAfterLast(of: XmlElement, matches: (child: XmlElement) => boolean, added: XmlElement): XmlElement {
  const at = of.children.findLastIndex((node) => node.kind === 'element' && matches(node));
  return at < 0 ? append(of, added) : { ...of, children: of.children.toSpliced(at + 1, 0, added) };
}
