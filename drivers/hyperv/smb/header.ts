import { DriverError } from '#drivers/error.js';
import { nonsense, u16, u32, u64, View, zeros } from './bytes.js';

/** MS-SMB2 2.2.1.2. */
export const commands = {
  negotiate: 0,
  sessionSetup: 1,
  logoff: 2,
  treeConnect: 3,
  create: 5,
  close: 6,
  flush: 7,
  read: 8,
  write: 9,
  ioctl: 11,
  cancel: 12,
  echo: 13,
  queryDirectory: 14,
  queryInfo: 16,
  setInfo: 17,
} as const;

export const headerFlags = { response: 1, async: 2, signed: 8 } as const;

/** The number of what nobody asked: that others want what one holds alone, and we hold nothing so. */
export const unaskedId = 0xffff_ffff_ffff_ffffn;

/** On Windows. */
export const turnOn = 'turn SMB 2 on there (`Set-SmbServerConfiguration -EnableSMB2Protocol $true`)';

export const headerBytes = 64;
export const signatureAt = 48;
export const flagsAt = 16;
export const messageIdAt = 24;

const magic = Buffer.from([0xfe, 0x53, 0x4d, 0x42]);
/** Of SMB 1, which has another protocol altogether. */
const elderMagic = Buffer.from([0xff, 0x53, 0x4d, 0x42]);

export interface RequestHeader {
  readonly command: number;
  /** How many credits the request takes: one for each 64 KiB. */
  readonly charge: number;
  /** How many we would like to have. */
  readonly credits: number;
  readonly messageId: number;
  readonly treeId: number;
  readonly sessionId: bigint;
  /** In the place of the tree, for the cancelling of what the server has put off. */
  readonly asyncId?: bigint;
}

export interface ResponseHeader {
  readonly command: number;
  readonly status: number;
  readonly credits: number;
  readonly flags: number;
  readonly messageId: bigint;
  readonly treeId: number;
  /** When the server has put the request off. */
  readonly asyncId?: bigint;
  readonly sessionId: bigint;
}

export function encodeHeader({ command, charge, credits, messageId, treeId, sessionId, asyncId }: RequestHeader): Buffer {
  return Buffer.concat([
    magic,
    u16(headerBytes, charge),
    u32(0),
    u16(command, credits),
    u32(asyncId === undefined ? 0 : headerFlags.async, 0),
    u64(messageId),
    asyncId === undefined ? u32(0, treeId) : u64(asyncId),
    u64(sessionId),
    zeros(16),
  ]);
}

/** @throws DriverError Internal */
export function decodeHeader(packet: Buffer): ResponseHeader {
  const view = new View('a message', packet);
  const start = view.slice(0, 4);
  if (start.equals(elderMagic)) throw new DriverError('Unsupported', `the file server speaks SMB 1 alone: ${turnOn}`);
  if (!start.equals(magic)) throw nonsense('it does not begin as messages of SMB do');
  view.slice(0, headerBytes);
  if (view.u16(4) !== headerBytes) throw nonsense(`a header of ${view.u16(4)} bytes given, ${headerBytes} expected`);
  const flags = view.u32(flagsAt);
  if ((flags & headerFlags.response) === 0) throw nonsense('a request given, where an answer is expected');
  if (view.u32(20) !== 0) throw nonsense('several answers in one message, where each was asked alone');
  return {
    status: view.u32(8),
    command: view.u16(12),
    credits: view.u16(14),
    flags,
    messageId: view.u64(messageIdAt),
    ...((flags & headerFlags.async) === 0 ? { treeId: view.u32(36) } : { treeId: 0, asyncId: view.u64(32) }),
    sessionId: view.u64(40),
  };
}
