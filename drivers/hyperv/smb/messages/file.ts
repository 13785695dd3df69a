import { nonsense, padded, u8, u16, u32, u64, utf16, View, zeros } from '../bytes.js';
import { headerBytes } from '../header.js';
import { encodeSecurityContext } from './security.js';

/** MS-SMB2 2.2.13.1.1 and 2.2.13: what is wanted of a file, and what others may do with it meanwhile. */
export const access = {
  read: 0x1,
  write: 0x2,
  readAttributes: 0x80,
  delete: 0x10000,
  readRights: 0x20000,
  synchronize: 0x100000,
} as const;
export const sharing = { none: 0, read: 1, write: 2, delete: 4, all: 7 } as const;
export const dispositions = { open: 1, create: 2, overwriteIf: 5 } as const;
export const options = { folder: 1, noFolder: 0x40, linkItself: 0x200000 } as const;

const createBytes = 56;
const readBytes = 48;
const writeBytes = 48;
/** As the user that logged in. */
const impersonation = 2;

export interface Create {
  /** Relative to the share; empty for its own folder. */
  readonly path: string;
  readonly access: number;
  readonly sharing: number;
  readonly disposition: number;
  readonly options: number;
  /** The rights of a file that is made by this: servers leave out what one has that is there. */
  readonly security?: Buffer;
}

export interface Created {
  /** 16 bytes. */
  readonly fileId: Buffer;
  readonly size: number;
}

export function encodeCreate({ path, access, sharing, disposition, options, security }: Create): Buffer {
  const name = utf16(path);
  const nameAt = headerBytes + createBytes;
  // There is a byte at least, even of no name.
  const named = security === undefined ? (name.length === 0 ? zeros(1) : name) : padded(name);
  const context = security === undefined ? zeros(0) : encodeSecurityContext(security);
  return Buffer.concat([
    u16(57),
    u8(0, 0),
    u32(impersonation),
    zeros(16),
    u32(access, 0, sharing, disposition, options),
    u16(nameAt, name.length),
    u32(context.length === 0 ? 0 : nameAt + named.length, context.length),
    named,
    context,
  ]);
}

/** @throws DriverError Internal */
export function decodeCreate(packet: Buffer): Created {
  const view = new View('the answer about a file', packet);
  return { size: view.size(112, 'size'), fileId: Buffer.from(view.slice(128, 16)) };
}

export const encodeClose = (fileId: Buffer): Buffer => Buffer.concat([u16(24, 0), u32(0), fileId]);

export const encodeFlush = encodeClose;

export const encodeRead = (fileId: Buffer, offset: number, length: number): Buffer =>
  Buffer.concat([u16(49), zeros(2), u32(length), u64(offset), fileId, zeros(readBytes - 31)]);

/** A view of the answer: `length` bytes at most. @throws DriverError Internal */
export function decodeRead(packet: Buffer, length: number): Buffer {
  const view = new View('the answer to a read', packet);
  const got = view.slice(view.u8(66), view.u32(68));
  if (got.length > length) throw nonsense(`${got.length} bytes read, where ${length} were asked for`);
  return got;
}

export const encodeWrite = (fileId: Buffer, offset: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([u16(49, headerBytes + writeBytes), u32(bytes.length), u64(offset), fileId, zeros(writeBytes - 32), bytes]);

/** How many bytes were written. @throws DriverError Internal */
export function decodeWrite(packet: Buffer, length: number): number {
  const written = new View('the answer to a write', packet).u32(68);
  if (written < 1 || written > length) throw nonsense(`${written} bytes written of ${length}`);
  return written;
}
