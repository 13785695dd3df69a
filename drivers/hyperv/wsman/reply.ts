import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { childNS, localName, type XmlElement } from '#drivers/xml/tree.js';
import { decodeFault } from './fault.js';
import { namespaces } from './names.js';
import { nonsense } from './nonsense.js';

/** Many times what a host sends at a time. */
const limits = { length: 16 * 2 ** 20, depth: 100, nodes: 400_000 };

/** The body of a reply to `what`. @throws WsmanFault when the host refuses; DriverError Internal when it is no reply */
export function decodeReply(what: string, text: string): XmlElement {
  const envelope = parsed(what, text);
  if (localName(envelope) !== 'Envelope' || envelope.namespace !== namespaces.soap) throw foreign(`<${envelope.name}> is no SOAP envelope`);
  const body = childNS(envelope, namespaces.soap, 'Body');
  if (body === undefined) throw nonsense('the SOAP envelope has no body');
  const fault = childNS(body, namespaces.soap, 'Fault');
  if (fault !== undefined) throw decodeFault(fault);
  return body;
}

/** What WinRM never sends. */
const foreign = (why: string, cause?: unknown): DriverError =>
  nonsense(`${why}; see what answers at the host's address and port, such as a proxy: it is not WinRM`, cause);

/** That element of the body. @throws DriverError Internal */
export function expected(body: XmlElement, namespace: string, name: string): XmlElement {
  const found = childNS(body, namespace, name);
  if (found === undefined) throw nonsense(`it holds no <${name}>`);
  return found;
}

function parsed(what: string, text: string): XmlElement {
  try {
    return parseXml(text, `the reply to ${what}`, limits);
  } catch (reason) {
    throw foreign(reason instanceof DriverError ? reason.message : String(reason), reason);
  }
}
