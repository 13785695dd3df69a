import { nonsense, u8, u16, u32, u64, utf16, View, zeros } from '../bytes.js';
import { headerBytes } from '../header.js';

const infoTypes = { file: 1, fileSystem: 2 } as const;
/** MS-FSCC 2.4 and 2.5. */
const classes = { directory: 1, rename: 10, disposition: 13, fullSize: 7 } as const;
const folderAttribute = 0x10;
const entryBytes = 64;
const directoryBytes = 32;
const setBytes = 32;
const ioctlBytes = 56;
const validateNegotiate = 0x140204;

export interface Entry {
  readonly name: string;
  /** In bytes; what the server says of a folder is none. */
  readonly size: number;
  readonly folder: boolean;
  readonly modified: Date;
}

/** All that is in the folder, `room` bytes of it at a time. */
export function encodeQueryDirectory(fileId: Buffer, room: number): Buffer {
  const pattern = utf16('*');
  const place = u16(headerBytes + directoryBytes, pattern.length);
  return Buffer.concat([u16(33), u8(classes.directory, 0), u32(0), fileId, place, u32(room), pattern]);
}

/** Without the folder itself and the one above. @throws DriverError Internal */
export function decodeQueryDirectory(packet: Buffer): readonly Entry[] {
  const view = outputIn(packet);
  const entries: Entry[] = [];
  for (let at = 0; ; ) {
    entries.push(entryAt(view, at));
    const next = view.u32(at);
    if (next === 0) return entries.filter(({ name }) => name !== '.' && name !== '..');
    if (next < entryBytes) throw nonsense(`an entry of a folder has ${next} bytes, ${entryBytes} at least expected`);
    at += next;
  }
}

function entryAt(view: View, at: number): Entry {
  return {
    modified: view.time(at + 24),
    size: view.size(at + 40, 'size'),
    folder: (view.u32(at + 56) & folderAttribute) !== 0,
    name: nameOf(view.text(at + entryBytes, view.u32(at + 60))),
  };
}

/** Whoever makes a path of it gets nowhere else. */
function nameOf(name: string): string {
  if (name === '' || /[\\/\0]/.test(name)) throw nonsense('an entry of a folder is empty, or is a path');
  return name;
}

export function encodeQuerySpace(fileId: Buffer): Buffer {
  const room = 32;
  return Buffer.concat([u16(41), u8(infoTypes.fileSystem, classes.fullSize), u32(room), zeros(16), fileId]);
}

/** In bytes: what there is, and what our account may still take. @throws DriverError Internal */
export function decodeQuerySpace(packet: Buffer): { readonly total: number; readonly free: number } {
  const view = outputIn(packet);
  const unit = BigInt(view.u32(24)) * BigInt(view.u32(28));
  const [total, free] = [view.u64(0) * unit, view.u64(8) * unit];
  if (total > BigInt(Number.MAX_SAFE_INTEGER) || free > total) throw nonsense(`${free} bytes of ${total} are free`);
  return { total: Number(total), free: Number(free) };
}

/** `path` as of Create. */
export function encodeRename(fileId: Buffer, path: string, replace: boolean): Buffer {
  const name = utf16(path);
  const value = Buffer.concat([u8(replace ? 1 : 0), zeros(7), u64(0), u32(name.length), name]);
  return encodeSetInfo(fileId, classes.rename, value);
}

/** The file goes once nobody has it open. */
export const encodeDelete = (fileId: Buffer): Buffer => encodeSetInfo(fileId, classes.disposition, u8(1));

const encodeSetInfo = (fileId: Buffer, infoClass: number, value: Buffer): Buffer =>
  Buffer.concat([u16(33), u8(infoTypes.file, infoClass), u32(value.length), u16(headerBytes + setBytes, 0), u32(0), fileId, value]);

export function encodeValidateNegotiate(input: Buffer): Buffer {
  const noFile = Buffer.alloc(16, 0xff);
  const room = 24;
  const isFsControl = 1;
  const place = u32(headerBytes + ioctlBytes, input.length, 0, 0, 0, room, isFsControl, 0);
  return Buffer.concat([u16(57, 0), u32(validateNegotiate), noFile, place, input]);
}

/** @throws DriverError Internal */
export function decodeValidateNegotiate(packet: Buffer): Buffer {
  const view = new View('the answer about what was agreed on', packet);
  return view.slice(view.u32(96), view.u32(100));
}

/** What an answer carries. @throws DriverError Internal */
export function outputIn(packet: Buffer): View {
  const view = new View('an answer', packet);
  return new View('what an answer lists', view.slice(view.u16(66), view.u32(68)));
}
