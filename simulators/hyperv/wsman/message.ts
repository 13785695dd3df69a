import { parseXml } from '#drivers/xml/parse.js';
import { attribute, childNS, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { problems } from '../cim/problem.js';
import { ns } from './names.js';

/** A request, taken apart. */
export interface Message {
  readonly kind: 'identify' | 'request';
  readonly action: string;
  readonly messageId: string;
  readonly resourceUri: string;
  readonly selectors: readonly (readonly [name: string, value: string])[];
  /** In milliseconds. Of the service's own choice when it names none. */
  readonly timeoutMs: number | undefined;
  /** In bytes. */
  readonly maxEnvelope: number | undefined;
  readonly header: XmlElement | undefined;
  /** The one element in the body. */
  readonly body: XmlElement | undefined;
}

/** In bytes (DSP0226): less cannot be asked for. */
const leastEnvelope = 8192;

const limits = { length: 2 ** 20, depth: 50, nodes: 50_000 };

/** @throws Problem */
export function parseMessage(text: string): Message {
  const envelope = parsed(text);
  if (localName(envelope) !== 'Envelope') throw problems.badMessage(`<${envelope.name}> is no SOAP envelope`);
  if (envelope.namespace !== ns.soap) throw problems.otherSoap();
  const header = childNS(envelope, ns.soap, 'Header');
  const [body] = elementsOf(childNS(envelope, ns.soap, 'Body'));
  const maxEnvelope = positive(textOf(childNS(header, ns.wsman, 'MaxEnvelopeSize'))?.trim());
  if (maxEnvelope !== undefined && maxEnvelope < leastEnvelope) throw problems.smallEnvelope();
  const head = (namespace: string, name: string) => textOf(childNS(header, namespace, name))?.trim();
  return {
    kind: body?.namespace === ns.identity ? 'identify' : 'request',
    action: head(ns.addressing, 'Action') ?? '',
    messageId: head(ns.addressing, 'MessageID') ?? '',
    resourceUri: head(ns.wsman, 'ResourceURI') ?? '',
    selectors: selectorsIn(childNS(header, ns.wsman, 'SelectorSet')),
    timeoutMs: milliseconds(head(ns.wsman, 'OperationTimeout')),
    maxEnvelope,
    header,
    body,
  };
}

function parsed(text: string): XmlElement {
  try {
    return parseXml(text, 'the message', limits);
  } catch (reason) {
    throw problems.badXml(reason instanceof Error ? reason.message : String(reason));
  }
}

export function selectorsIn(set: XmlElement | undefined): readonly (readonly [name: string, value: string])[] {
  return elements(set, 'Selector', ns.wsman).map((each) => [attribute(each, 'Name') ?? '', textOf(each) ?? ''] as const);
}

export const elementsOf = (of: XmlElement | undefined): readonly XmlElement[] =>
  of?.children.filter((node) => node.kind === 'element') ?? [];

/** `PT30.000S`, `PT5M`. */
export function milliseconds(duration: string | undefined): number | undefined {
  const found = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(duration ?? '');
  if (found === null) return undefined;
  const [hours, minutes, seconds] = [found[1], found[2], found[3]].map((each) => Number(each ?? 0));
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
}

export function positive(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
