import { DriverError } from '#drivers/error.js';
import type { SecurityContext } from '../ntlm/client.js';
import { signatureLength } from '../ntlm/sealing.js';

const boundary = 'Encrypted Boundary';
const protocol = 'application/HTTP-SPNEGO-session-encrypted';

export const sealedType = `multipart/encrypted;protocol="${protocol}";boundary="${boundary}"`;

/** The message as MS-WSMV 2.2.9.1 wraps it. `type` is that of what is within. */
export function sealBody(plain: Buffer, type: string, { outgoing }: SecurityContext): Buffer {
  const { signature, sealed } = outgoing.seal(plain);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signature.length);
  const head =
    `--${boundary}\r\n\tContent-Type: ${protocol}\r\n\tOriginalContent: type=${type};Length=${plain.length}\r\n` +
    `--${boundary}\r\n\tContent-Type: application/octet-stream\r\n`;
  return Buffer.concat([Buffer.from(head), length, signature, sealed, Buffer.from(`--${boundary}--\r\n`)]);
}

/** @throws DriverError Internal when it is not wrapped so; Denied when it was changed on its way */
export function openBody(body: Buffer, { incoming }: SecurityContext): Buffer {
  // What is sealed may hold any bytes: only the head before it is looked into. Some hosts put a blank before the boundary.
  const head =
    /^--\s?Encrypted Boundary\r\n(?:.|\r\n)*?Length=(\d+)\r\n--\s?Encrypted Boundary\r\n\tContent-Type: application\/octet-stream\r\n/.exec(
      body.subarray(0, 1024).toString('latin1'),
    );
  const length = Number(head?.[1]);
  const at = head?.[0].length ?? 0;
  const end = at + 4 + signatureLength + length;
  if (head === null || body.length < end || body.readUInt32LE(at) !== signatureLength)
    throw new DriverError('Internal', "the host's reply is not sealed as it was agreed on");
  return incoming.open(body.subarray(at + 4, at + 4 + signatureLength), body.subarray(at + 4 + signatureLength, end));
}
