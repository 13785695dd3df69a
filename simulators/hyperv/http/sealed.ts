import type { SecurityContext } from '#drivers/hyperv/ntlm/client.js';

const boundary = '--Encrypted Boundary';
const protocol = 'application/HTTP-SPNEGO-session-encrypted';

export const sealedType = `multipart/encrypted;protocol="${protocol}";boundary="Encrypted Boundary"`;

/** What a client sealed. Undefined when it is not wrapped as MS-WSMV 2.2.9.1 has it, or does not say how long it is. */
export function unwrap(body: Buffer, { incoming }: SecurityContext): Buffer | undefined {
  const mark = 'Content-Type: application/octet-stream\r\n';
  const at = body.indexOf(mark) + mark.length;
  const length = Number(/Length=(\d+)/.exec(body.subarray(0, at).toString('latin1'))?.[1]);
  if (at < mark.length || body.length < at + 4 || body.readUInt32LE(at) !== 16) return undefined;
  const sealed = body.subarray(at + 20, at + 20 + length);
  return sealed.length === length ? incoming.open(body.subarray(at + 4, at + 20), sealed) : undefined;
}

export function wrap(plain: Buffer, type: string, { outgoing }: SecurityContext): Buffer {
  const { signature, sealed } = outgoing.seal(plain);
  const head = `${boundary}\r\n\tContent-Type: ${protocol}\r\n\tOriginalContent: type=${type};Length=${plain.length}\r\n`;
  const second = `${boundary}\r\n\tContent-Type: application/octet-stream\r\n`;
  return Buffer.concat([Buffer.from(head + second), Buffer.from([16, 0, 0, 0]), signature, sealed, Buffer.from(`${boundary}--\r\n`)]);
}
