import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, childNS, element, elementNS, elements, localName, textOf, type XmlElement, xmlNamespaces } from '#drivers/xml/tree.js';
import { readSoapFault, type VimFault } from './fault.js';
import { fromVim, soapNamespace, toVim, vimNamespace, xsdNamespace, xsiNamespace } from './names.js';
import { nonsense } from './nonsense.js';
import { type Fields, type Ref, ref, type Struct, struct, type Type } from './types.js';

/** Something that can be asked of a managed object. */
export interface Operation<Args, Result> {
  readonly name: string;
  readonly args: Type<Args>;
  readonly result: Type<Result>;
  /** Whether asking twice is as asking once. */
  readonly repeatable: boolean;
}

/** `fields` in the order of the schema. */
export function operation<F extends Fields, Result>(name: string, fields: F, result: Type<Result>): Operation<Struct<F>, Result> {
  return { name, args: struct(fields), result, repeatable: false };
}

export function question<F extends Fields, Result>(name: string, fields: F, result: Type<Result>): Operation<Struct<F>, Result> {
  return { ...operation(name, fields, result), repeatable: true };
}

/** Types of values are named by prefix, within text that the serializer does not look into. */
const declarations = { 'xmlns:soapenv': soapNamespace, 'xmlns:xsd': xsdNamespace, 'xmlns:xsi': xsiNamespace };

/** @throws DriverError Invalid for text that XML cannot hold */
export function encodeRequest<Args>({ name, args }: Operation<Args, unknown>, target: Ref, values: Args): string {
  const [asked = element(name)] = args.write(name, values);
  const whole = toVim({ ...asked, children: [...ref.write('_this', target), ...asked.children] });
  const envelope = elementNS(soapNamespace, 'soapenv:Envelope', {}, elementNS(soapNamespace, 'soapenv:Body', {}, whole));
  const attributes = Object.entries(declarations).map(([name, value]) => ({ name, namespace: xmlNamespaces.xmlns, value }));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serializeXml({ ...envelope, attributes })}`;
}

/** A thousand machines come in pages of less than this. */
const limits = { length: 64 * 2 ** 20, depth: 100, nodes: 1_000_000 };

/** @throws VimFault when the host refuses; DriverError Internal when the reply is not one */
export function decodeReply<Result>({ name, result }: Pick<Operation<unknown, Result>, 'name' | 'result'>, reply: string): Result {
  const { body, outer } = bodyOf(name, reply);
  const fault = childNS(body, soapNamespace, 'Fault');
  if (fault !== undefined) throw faultOf(fault, outer);
  const [response] = elements(body, `${name}Response`, vimNamespace);
  if (response === undefined) throw nonsense(`it holds neither <${name}Response> nor a fault`);
  return result.read(elements(fromVim(response, ...outer), 'returnval'), `${name}: returnval`);
}

function bodyOf(name: string, reply: string): { readonly body: XmlElement; readonly outer: readonly XmlElement[] } {
  const envelope = parsed(name, reply);
  if (localName(envelope) !== 'Envelope' || envelope.namespace !== soapNamespace) throw nonsense(`<${envelope.name}> is no SOAP envelope`);
  const body = childNS(envelope, soapNamespace, 'Body');
  if (body === undefined) throw nonsense('the SOAP envelope has no body');
  return { body, outer: [envelope, body] };
}

function parsed(name: string, reply: string): XmlElement {
  try {
    return parseXml(reply, `the reply to ${name}`, limits);
  } catch (reason) {
    throw nonsense(reason instanceof DriverError ? reason.message : String(reason), reason);
  }
}

/** SOAP's own parts of a fault are in no namespace. */
function faultOf(fault: XmlElement, outer: readonly XmlElement[]): VimFault {
  const detail = child(fault, 'detail');
  const [inner] = elements(detail);
  const said = textOf(child(fault, 'faultstring')) ?? '';
  if (detail === undefined || inner === undefined) return readSoapFault(said, undefined);
  return readSoapFault(said, fromVim(inner, ...outer, fault, detail));
}
