import { randomUUID } from 'node:crypto';
import { serializeXml } from '#drivers/xml/serialize.js';
import { elementNS, type XmlContent, type XmlElement, xmlNamespaces } from '#drivers/xml/tree.js';
import type { Reference } from './instance.js';
import { anonymous, namespaces, prefixes } from './names.js';

/** What is sent, and where it goes. */
export interface Request {
  readonly action: string;
  readonly resourceUri: string;
  readonly selectors?: Readonly<Record<string, string>>;
  /** In milliseconds: after that the host answers that it has nothing yet. */
  readonly timeoutMs: number;
  /** More of the head. */
  readonly head?: readonly XmlElement[];
  readonly body?: XmlContent;
}

/** In bytes: what a host sends at a time by default, and few send more. */
const maxEnvelope = 500 * 1024;

export const soap = (name: string, ...content: readonly XmlContent[]) => elementNS(namespaces.soap, `s:${name}`, {}, ...content);
export const addressing = (name: string, ...content: readonly XmlContent[]) =>
  elementNS(namespaces.addressing, `a:${name}`, {}, ...content);
export const enumeration = (name: string, ...content: readonly XmlContent[]) =>
  elementNS(namespaces.enumeration, `n:${name}`, {}, ...content);
export const eventing = (name: string, ...content: readonly XmlContent[]) => elementNS(namespaces.eventing, `e:${name}`, {}, ...content);
export const wsman = (name: string, ...content: readonly XmlContent[]) => elementNS(namespaces.wsman, `w:${name}`, {}, ...content);

/** `url` is where it goes, which the host reads. @throws DriverError Invalid for text that XML cannot hold */
export function encodeRequest(request: Request, url: string): string {
  const { action, resourceUri, selectors, timeoutMs, head = [], body } = request;
  const header = soap(
    'Header',
    must(addressing('Action', action)),
    must(addressing('To', url)),
    must(wsman('ResourceURI', resourceUri)),
    addressing('MessageID', `uuid:${randomUUID().toUpperCase()}`),
    addressing('ReplyTo', addressing('Address', anonymous)),
    must(wsman('MaxEnvelopeSize', String(maxEnvelope))),
    wsman('OperationTimeout', duration(timeoutMs)),
    // The host's own words come in English, as ours are.
    withAttributes(wsman('Locale'), { 'xml:lang': 'en-US', 's:mustUnderstand': 'false' }),
    ...(selectors === undefined ? [] : [encodeSelectors(selectors)]),
    ...head,
  );
  return envelope(header, soap('Body', body));
}

/** Asks who is there: the one request that has no head. */
export function encodeIdentify(): string {
  return envelope(soap('Header'), soap('Body', elementNS(namespaces.identity, 'i:Identify')));
}

function envelope(...content: readonly XmlElement[]): string {
  const declarations = Object.entries(prefixes).map(([prefix, value]) => ({
    name: `xmlns:${prefix}`,
    namespace: xmlNamespaces.xmlns,
    value,
  }));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serializeXml({ ...soap('Envelope', ...content), attributes: declarations })}`;
}

export function encodeSelectors(selectors: Readonly<Record<string, string>>): XmlElement {
  const each = ([name, value]: readonly [string, string]) => withAttributes(wsman('Selector', value), { Name: name });
  return wsman('SelectorSet', ...Object.entries(selectors).map(each));
}

/** What stands within an element that refers to something. */
export function encodeReference({ resourceUri, selectors }: Reference): readonly XmlElement[] {
  return [
    addressing('Address', anonymous),
    addressing('ReferenceParameters', wsman('ResourceURI', resourceUri), encodeSelectors(selectors)),
  ];
}

/** As XML Schema has it, in seconds. */
export const duration = (ms: number): string => `PT${(ms / 1000).toFixed(3)}S`;

/** In milliseconds, of the durations that hosts write; undefined for any other, and for none. */
export function durationOf(text: string | undefined): number | undefined {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text?.trim() ?? '') ?? [];
  const ms = (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return ms > 0 ? ms : undefined;
}

const must = (of: XmlElement): XmlElement => withAttributes(of, { 's:mustUnderstand': 'true' });

const attributeNamespaces: Readonly<Record<string, string>> = { s: namespaces.soap, xml: xmlNamespaces.xml };

export function withAttributes(of: XmlElement, attributes: Readonly<Record<string, string>>): XmlElement {
  const more = Object.entries(attributes).map(([name, value]) => {
    const prefix = name.includes(':') ? name.slice(0, name.indexOf(':')) : '';
    return { name, namespace: attributeNamespaces[prefix] ?? '', value };
  });
  return { ...of, attributes: [...of.attributes, ...more] };
}
