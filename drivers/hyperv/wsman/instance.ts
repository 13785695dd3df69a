import { attribute, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { namespaces } from './names.js';
import { nonsense } from './nonsense.js';

/** An object of the host, by which it can be got, put, or asked to do something. */
export interface Reference {
  readonly kind: 'reference';
  readonly resourceUri: string;
  readonly selectors: Readonly<Record<string, string>>;
}

/** An object within another, as that which an event is about. */
export interface Embedded {
  readonly kind: 'embedded';
  readonly properties: ReadonlyMap<string, readonly Value[]>;
}

/** As it stands on the wire: what type a text is of, only its class says. */
export type Value = string | Reference | Embedded;

/** An object as it was read. What is null has no value; an array has one for each of its elements. */
export interface Instance {
  readonly className: string;
  /** Of `className`, in the namespace that was asked. */
  readonly resourceUri: string;
  readonly properties: ReadonlyMap<string, readonly Value[]>;
}

export const isReference = (value: Value | undefined): value is Reference => typeof value === 'object' && value.kind === 'reference';

export function decodeInstance(of: XmlElement): Instance {
  return { className: localName(of), resourceUri: of.namespace, properties: decodeProperties(of) };
}

/** One element a value: an array comes as its element repeated, and a null one may come as nil or not at all. */
export function decodeProperties(of: XmlElement): ReadonlyMap<string, readonly Value[]> {
  const found = new Map<string, Value[]>();
  for (const each of childrenOf(of)) {
    const values = found.get(localName(each)) ?? [];
    // In place: an array of a hundred thousand elements copied for each of them would take minutes.
    values.push(...decodeValue(each));
    found.set(localName(each), values);
  }
  return found;
}

function decodeValue(of: XmlElement): readonly Value[] {
  if (['true', '1'].includes(attribute(of, 'nil', namespaces.xsi) ?? '')) return [];
  if (elements(of, 'ReferenceParameters', namespaces.addressing).length > 0) return [decodeReference(of)];
  const [inner] = childrenOf(of);
  // A date or a duration is wrapped once more.
  if (inner === undefined || inner.namespace === namespaces.cim) return [textOf(inner ?? of) ?? ''];
  return [{ kind: 'embedded', properties: decodeProperties(of) }];
}

/** Whatever wraps the address and the parameters. @throws DriverError Internal */
export function decodeReference(of: XmlElement): Reference {
  const [parameters] = elements(of, 'ReferenceParameters', namespaces.addressing);
  const resourceUri = textOf(elements(parameters, 'ResourceURI', namespaces.wsman)[0])?.trim();
  if (resourceUri === undefined) throw nonsense(`<${of.name}> refers to nothing`);
  const [set] = elements(parameters, 'SelectorSet', namespaces.wsman);
  const selectors = elements(set, 'Selector', namespaces.wsman).map((each) => [attribute(each, 'Name') ?? '', textOf(each) ?? ''] as const);
  return { kind: 'reference', resourceUri, selectors: Object.fromEntries(selectors) };
}

const childrenOf = (of: XmlElement): readonly XmlElement[] => of.children.filter((node) => node.kind === 'element');
