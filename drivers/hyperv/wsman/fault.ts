import { attribute, childNS, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { namespaces } from './names.js';

/** What a host said went wrong, in full. */
export class WsmanFault extends Error {
  override readonly name = 'WsmanFault';
  /** The most particular of SOAP's codes, without its prefix, e.g. `AccessDenied`. */
  readonly subcode: string;
  /** Numbers of Windows and of WMI that stand in the detail, the outermost first. */
  readonly numbers: readonly number[];
  readonly detail: XmlElement | undefined;

  constructor(subcode: string, message: string, numbers: readonly number[], detail: XmlElement | undefined) {
    super(message);
    this.subcode = subcode;
    this.numbers = numbers;
    this.detail = detail;
  }
}

export function decodeFault(fault: XmlElement): WsmanFault {
  const detail = childNS(fault, namespaces.soap, 'Detail');
  const [subcode, numbers] = [subcodeOf(fault), numbersIn(detail)];
  const sentences = [
    ...new Set([textOf(childNS(childNS(fault, namespaces.soap, 'Reason'), namespaces.soap, 'Text')), ...sentencesIn(detail)]),
  ];
  const said = sentences.flatMap((each) => each?.trim().replaceAll(/\s+/g, ' ') || []);
  const codes = [subcode, ...numbers.slice(-1).map((number) => `0x${number.toString(16).toUpperCase()}`)];
  return new WsmanFault(subcode, `${said.join(' ') || 'the host refuses'} (${codes.join(', ')})`, numbers, detail);
}

/** Codes stand within each other. */
function subcodeOf(fault: XmlElement): string {
  let code = childNS(fault, namespaces.soap, 'Code');
  for (let next = code; next !== undefined; next = childNS(next, namespaces.soap, 'Subcode')) code = next;
  const value = textOf(childNS(code, namespaces.soap, 'Value'))?.trim() ?? 'Fault';
  return value.slice(value.indexOf(':') + 1);
}

/** A provider's fault stands within the host's own, as often as it was passed on. */
function faultsIn(of: XmlElement | undefined): readonly XmlElement[] {
  return (of?.children ?? []).flatMap((node) => {
    if (node.kind !== 'element') return [];
    return isFault(node) ? [node, ...faultsIn(node)] : faultsIn(node);
  });
}

const isFault = (of: XmlElement): boolean =>
  (of.namespace === namespaces.fault && localName(of) === 'WSManFault') ||
  (of.namespace === namespaces.wmiError && localName(of) === 'MSFT_WmiError');

function numbersIn(detail: XmlElement | undefined): readonly number[] {
  const texts = faultsIn(detail).map((fault) => attribute(fault, 'Code') ?? textOf(childNS(fault, namespaces.wmiError, 'error_Code')));
  // WMI's own, as a provider tells it beside.
  const status = everywhere(detail, 'StatusCode').map(textOf);
  return [...texts, ...status].map((text) => Number(text ?? Number.NaN) >>> 0).filter((number) => number > 0);
}

/** Texts directly in a message: what stands deeper is of another fault. */
function sentencesIn(detail: XmlElement | undefined): readonly (string | undefined)[] {
  const messages = faultsIn(detail).flatMap((fault) => elements(fault, 'Message', fault.namespace));
  return [...messages, ...messages.flatMap((each) => elements(each, 'ProviderFault', namespaces.fault))].map(textOf);
}

function everywhere(of: XmlElement | undefined, name: string): readonly XmlElement[] {
  return (of?.children ?? []).flatMap((node) => {
    if (node.kind !== 'element') return [];
    return localName(node) === name ? [node] : everywhere(node, name);
  });
}
