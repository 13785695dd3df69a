import { DriverError } from '#drivers/error.js';
import { nonsense } from './bytes.js';

// RFC 4178, as ASN.1 in DER. What is said is so little that each of its elements is written by hand.
const tags = { octets: 0x04, oid: 0x06, enumerated: 0x0a, sequence: 0x30, application: 0x60 } as const;
const numbered = (number: number): number => 0xa0 + number;

const spnego = Buffer.from('2b0601050502', 'hex');
const ntlm = Buffer.from('2b06010401823702020a', 'hex');

/** What we offer, as it is signed in the end. */
export const mechanisms = der(tags.sequence, der(tags.oid, ntlm));

export function encodeFirst(token: Buffer): Buffer {
  const told = der(tags.sequence, der(numbered(0), mechanisms), der(numbered(2), der(tags.octets, token)));
  return der(tags.application, der(tags.oid, spnego), der(numbered(0), told));
}

/** `code` signs `mechanisms`: nobody took a better one away. */
export function encodeNext(token: Buffer, code: Buffer): Buffer {
  return der(numbered(1), der(tags.sequence, der(numbered(2), der(tags.octets, token)), der(numbered(3), der(tags.octets, code))));
}

/** The server's token. @throws DriverError Denied when it will not have NTLM; Internal */
export function decodeAnswer(bytes: Buffer): Buffer {
  const answer = fieldsOf(inner(numbered(1), bytes));
  const mechanism = answer.get(1);
  if (mechanism !== undefined && !inner(tags.oid, mechanism).equals(ntlm)) throw new DriverError('Denied', ntlmForbidden);
  const token = answer.get(2);
  if (token === undefined) throw new DriverError('Denied', ntlmForbidden);
  return inner(tags.octets, token);
}

/** What signs `mechanisms` from the server's side, where it says so. @throws DriverError Internal */
export function codeIn(bytes: Buffer): Buffer | undefined {
  const code = fieldsOf(inner(numbered(1), bytes)).get(3);
  return code === undefined ? undefined : inner(tags.octets, code);
}

export const ntlmForbidden =
  'the file server takes no NTLM: a policy forbids it there ("Network security: Restrict NTLM"); allow it for this account';

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

/** By their numbers, what is in a sequence of numbered elements. */
function fieldsOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  for (let rest = inner(tags.sequence, bytes); rest.length > 0; ) {
    const { tag, content, end } = elementIn(rest);
    fields.set(tag - numbered(0), content);
    rest = rest.subarray(end);
  }
  return fields;
}

function inner(tag: number, bytes: Buffer): Buffer {
  const found = elementIn(bytes);
  if (found.tag !== tag) throw nonsense(`in its login element ${found.tag} given, ${tag} expected`);
  return found.content;
}

function elementIn(bytes: Buffer): { readonly tag: number; readonly content: Buffer; readonly end: number } {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined) throw nonsense('its login is cut off');
  const more = first < 0x80 ? 0 : first - 0x80;
  if (more > 2 || first === 0x80 || bytes.length < 2 + more) throw nonsense('its login has a length that is none');
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  if (bytes.length < 2 + more + length) throw nonsense('its login is cut off');
  return { tag, content: bytes.subarray(2 + more, 2 + more + length), end: 2 + more + length };
}
