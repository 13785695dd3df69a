import { attribute, localName, prefixOf, type XmlAttribute, type XmlElement, type XmlNode, xmlNamespaces } from '#drivers/xml/tree.js';
import { nonsense } from './nonsense.js';

export const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';
export const vimNamespace = 'urn:vim25';
export const xsiNamespace = 'http://www.w3.org/2001/XMLSchema-instance';
export const xsdNamespace = 'http://www.w3.org/2001/XMLSchema';

/** Prefix to URI. */
type Scope = ReadonlyMap<string, string>;

/**
 * The element as we write it, whatever prefixes the host chose: names of vSphere without prefix and namespace, so that look-ups are short;
 * types as `VirtualDisk` or `xsd:string`; no declarations; no text between elements. `outer` is the way down to it.
 * @throws DriverError Internal for an element without a namespace, which is none of vSphere's
 */
export function fromVim(element: XmlElement, ...outer: readonly XmlElement[]): XmlElement {
  return plain(element, outer.reduce(declaredIn, new Map()));
}

function plain(element: XmlElement, outer: Scope): XmlElement {
  if (element.namespace === '') throw nonsense(`<${element.name}> is in no namespace, where ${vimNamespace} was expected`);
  const scope = declaredIn(outer, element);
  const isParent = element.children.some((node) => node.kind === 'element');
  return {
    kind: 'element',
    ...(element.namespace === vimNamespace
      ? { name: localName(element), namespace: '' }
      : { name: element.name, namespace: element.namespace }),
    attributes: element.attributes.filter(({ namespace }) => namespace !== xmlNamespaces.xmlns).map((each) => plainType(each, scope)),
    children: element.children.flatMap((node): readonly XmlNode[] => {
      if (node.kind === 'element') return [plain(node, scope)];
      return isParent || node.kind === 'comment' ? [] : [node];
    }),
  };
}

function declaredIn(outer: Scope, { attributes }: XmlElement): Scope {
  const declared = attributes.filter(({ namespace }) => namespace === xmlNamespaces.xmlns);
  if (declared.length === 0) return outer;
  return new Map([...outer, ...declared.map(({ name, value }) => [name === 'xmlns' ? '' : name.slice('xmlns:'.length), value] as const)]);
}

function plainType(of: XmlAttribute, scope: Scope): XmlAttribute {
  if (of.namespace !== xsiNamespace || localName(of) !== 'type') return of;
  const type = { name: of.value.trim() };
  const isSchema = scope.get(prefixOf(type)) === xsdNamespace;
  return { name: 'xsi:type', namespace: xsiNamespace, value: isSchema ? `xsd:${localName(type)}` : localName(type) };
}

/** The other way, for what is sent. */
export function toVim(element: XmlElement): XmlElement {
  const children = element.children.map((node) => (node.kind === 'element' ? toVim(node) : node));
  return { ...element, namespace: element.namespace === '' ? vimNamespace : element.namespace, children };
}

/** The type that a value says it has: `VirtualDisk`, `xsd:string`. */
export function typeOf(element: XmlElement | undefined): string | undefined {
  return attribute(element, 'type', xsiNamespace);
}

/** The attribute that says so. */
export function typed(element: XmlElement, type: string): XmlElement {
  const others = element.attributes.filter(({ name }) => name !== 'xsi:type');
  return { ...element, attributes: [{ name: 'xsi:type', namespace: xsiNamespace, value: type }, ...others] };
}
