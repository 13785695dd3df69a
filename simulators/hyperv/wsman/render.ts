import { randomUUID } from 'node:crypto';
import { serializeXml } from '#drivers/xml/serialize.js';
import { elementNS, type XmlContent, type XmlElement, xmlNamespaces } from '#drivers/xml/tree.js';
import type { CimClass, CimProperty } from '../cim/class.js';
import { type CimObject, parsePath, propertyOf } from '../cim/object.js';
import { anonymous, ns } from './names.js';

/** The prefixes that clients with fixed paths, as libvirt's, look for on the envelope. */
const declarations = {
  s: ns.soap,
  a: ns.addressing,
  n: ns.enumeration,
  e: ns.eventing,
  w: ns.wsman,
  x: ns.transfer,
  xsi: ns.xsi,
  cim: ns.cim,
};

export const el = {
  s: (name: string, ...content: readonly XmlContent[]) => elementNS(ns.soap, `s:${name}`, {}, ...content),
  a: (name: string, ...content: readonly XmlContent[]) => elementNS(ns.addressing, `a:${name}`, {}, ...content),
  n: (name: string, ...content: readonly XmlContent[]) => elementNS(ns.enumeration, `n:${name}`, {}, ...content),
  e: (name: string, ...content: readonly XmlContent[]) => elementNS(ns.eventing, `e:${name}`, {}, ...content),
  w: (name: string, ...content: readonly XmlContent[]) => elementNS(ns.wsman, `w:${name}`, {}, ...content),
} as const;

export function renderReply(action: string, relatesTo: string, body: XmlContent): string {
  const header = el.s(
    'Header',
    el.a('To', anonymous),
    el.a('Action', action),
    el.a('MessageID', `uuid:${randomUUID().toUpperCase()}`),
    el.a('RelatesTo', relatesTo),
  );
  return envelope(header, el.s('Body', body));
}

function envelope(...content: readonly XmlElement[]): string {
  const attributes = Object.entries(declarations).map(([prefix, value]) => ({
    name: `xmlns:${prefix}`,
    namespace: xmlNamespaces.xmlns,
    value,
  }));
  return serializeXml({ ...el.s('Envelope', ...content), attributes });
}

export function renderIdentity(version: string): string {
  const said = { ProtocolVersion: ns.wsman, ProductVendor: 'Microsoft Corporation', ProductVersion: version };
  const parts = Object.entries(said).map(([name, value]) => elementNS(ns.identity, `wsmid:${name}`, {}, value));
  return envelope(el.s('Header'), el.s('Body', elementNS(ns.identity, 'wsmid:IdentifyResponse', {}, ...parts)));
}

/**
 * An instance under the name that was asked for, as libvirt's client wants it: every scalar once, null as nil; null arrays left out, others
 * the element repeated.
 */
export function renderInstance(of: CimObject, cimClass: CimClass, name: string, uri: string): XmlElement {
  const instance = elementNS(uri, `p:${name}`, {}, ...cimClass.properties.flatMap((property) => renderProperty(of, property, uri)));
  return { ...instance, attributes: [{ name: 'xsi:type', namespace: ns.xsi, value: `p:${name}_Type` }] };
}

function renderProperty(of: CimObject, { name, type, isArray }: CimProperty, uri: string): readonly XmlElement[] {
  const value = propertyOf(of, name);
  const one = (text: string) => elementNS(uri, `p:${name}`, {}, ...renderValue(type, text, uri));
  if (isArray) return value === undefined ? [] : [value].flat().map(one);
  const [text] = [value].flat();
  return [text === undefined ? nil(elementNS(uri, `p:${name}`)) : one(text)];
}

function renderValue(type: string, text: string, uri: string): readonly XmlContent[] {
  if (type === 'datetime') return [renderTime(text)];
  const path = type === 'ref' ? parsePath(text) : undefined;
  return path === undefined ? [text] : renderReference(uri.replace(/[^/]*$/, path.className), path.keys);
}

/** A point in time as XML Schema has it, or an interval as CIM has it. */
const renderTime = (text: string): XmlElement => elementNS(ns.cim, text.startsWith('P') ? 'cim:Interval' : 'cim:Datetime', {}, text);

export const nil = (of: XmlElement): XmlElement => ({ ...of, attributes: [{ name: 'xsi:nil', namespace: ns.xsi, value: 'true' }] });

export function renderReference(uri: string, keys: readonly (readonly [name: string, value: string])[]): readonly XmlElement[] {
  const selectors = keys.map(([name, value]) => elementNS(ns.wsman, 'w:Selector', { Name: name }, value));
  return [el.a('Address', anonymous), el.a('ReferenceParameters', el.w('ResourceURI', uri), el.w('SelectorSet', ...selectors))];
}
