/**
 * An immutable XML tree. Names and declarations stay as they were written; namespaces are resolved beside them, so that
 * look-ups do not depend on the prefix a peer chose. An edit that changes nothing gives back the very same object.
 */
export interface XmlElement {
  readonly kind: 'element';
  /** As written, with its prefix. */
  readonly name: string;
  /** The namespace's URI; empty for none. */
  readonly namespace: string;
  /** In document order, namespace declarations among them. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlNode[];
}

export interface XmlAttribute {
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

export interface XmlText {
  readonly kind: 'text';
  readonly text: string;
}

export interface XmlComment {
  readonly kind: 'comment';
  readonly text: string;
}

export type XmlNode = XmlElement | XmlText | XmlComment;

/** What a builder accepts as a child: a string is text, and absent children are left out. */
export type XmlContent = XmlNode | string | undefined;

export const xmlNamespaces = { xml: 'http://www.w3.org/XML/1998/namespace', xmlns: 'http://www.w3.org/2000/xmlns/' } as const;

/** An element without a namespace, e.g. `element('disk', { type: 'file' }, element('serial', {}, 'abc'))`. Undefined attributes are left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...content: readonly XmlContent[]
): XmlElement {
  return elementNS('', name, attributes, ...content);
}

/** An element in `namespace`; the serializer declares its prefix where it is not yet declared. Its attributes have no namespace. */
export function elementNS(
  namespace: string,
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...content: readonly XmlContent[]
): XmlElement {
  return { kind: 'element', name, namespace, attributes: plainAttributes(attributes), children: content.flatMap(contentNode) };
}

function plainAttributes(attributes: Readonly<Record<string, string | undefined>>): readonly XmlAttribute[] {
  return Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [{ name, namespace: '', value }]));
}

function contentNode(content: XmlContent): readonly XmlNode[] {
  if (content === undefined || content === '') return [];
  return [typeof content === 'string' ? { kind: 'text', text: content } : content];
}

/** The name without its prefix. */
export function localName(named: { readonly name: string }): string {
  return named.name.slice(named.name.indexOf(':') + 1);
}

export function prefixOf(named: { readonly name: string }): string {
  return named.name.slice(0, Math.max(0, named.name.indexOf(':')));
}

export function isElement(node: XmlNode, name?: string, namespace = ''): node is XmlElement {
  return node.kind === 'element' && (name === undefined || (localName(node) === name && node.namespace === namespace));
}

/** The child elements of that local name, or all of them. */
export function elements(parent: XmlElement | undefined, name?: string, namespace = ''): readonly XmlElement[] {
  return (parent?.children.filter((node) => isElement(node, name, namespace)) as XmlElement[] | undefined) ?? [];
}

/** The first element down that path of local names without namespace: `child(domain, 'os', 'kernel')`. */
export function child(parent: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((found, name) => elements(found, name)[0], parent);
}

/** The first child element of that name in that namespace. */
export function childNS(parent: XmlElement | undefined, namespace: string, name: string): XmlElement | undefined {
  return elements(parent, name, namespace)[0];
}

export function attribute(of: XmlElement | undefined, name: string, namespace = ''): string | undefined {
  return of?.attributes.find((each) => localName(each) === name && each.namespace === namespace)?.value;
}

/** All text directly within, as is; undefined for an absent element. */
export function textOf(of: XmlElement | undefined): string | undefined {
  return of?.children.map((node) => (node.kind === 'text' ? node.text : '')).join('');
}
