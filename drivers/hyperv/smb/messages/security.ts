import { nonsense, u8, u16, u32, View, zeros } from '../bytes.js';

/** Who may do what with a file. */
export interface Grant {
  /** As Windows writes it: `S-1-5-18`. */
  readonly who: string;
  /** MS-DTYP 2.4.3, and MS-SMB2 2.2.13.1.1 for those of files. */
  readonly rights: number;
}

export const rights = { all: 0x1f01ff, read: 0x120089 } as const;

/** MS-DTYP 2.4.6: how the rights of a file are told. */
const controls = { dacl: 0x4, protected: 0x1000, selfRelative: 0x8000 } as const;
const headBytes = 20;
const listHeadBytes = 8;
const allowed = 0;

/** These alone, whatever the folder says. The owner is left to the server. */
export function encodeSecurity(grants: readonly Grant[]): Buffer {
  const list = Buffer.concat(grants.map(encodeGrant));
  return Buffer.concat([
    u8(1, 0),
    u16(controls.dacl | controls.protected | controls.selfRelative),
    u32(0, 0, 0, headBytes),
    u8(2, 0),
    u16(listHeadBytes + list.length, grants.length, 0),
    list,
  ]);
}

function encodeGrant({ who, rights }: Grant): Buffer {
  const sid = encodeSid(who);
  return Buffer.concat([u8(allowed, 0), u16(8 + sid.length), u32(rights), sid]);
}

/** MS-DTYP 2.4.2.2. Its authority is the one number with the most significant byte first. */
function encodeSid(sid: string): Buffer {
  const [authority = 0, ...rest] = sid.split('-').slice(2).map(Number);
  const six = Buffer.alloc(6);
  six.writeUIntBE(authority, 0, 6);
  return Buffer.concat([u8(1, rest.length), six, u32(...rest)]);
}

/**
 * Whether these, and nobody else, are let in, whatever the folder says.
 * @throws DriverError Internal
 */
export function isGrantedAlone(security: Buffer, grants: readonly Grant[]): boolean {
  const view = new View('the rights of a file', security);
  const control = view.u16(2);
  const at = view.u32(16);
  // Without a list everybody may do everything.
  if ((control & controls.dacl) === 0 || (control & controls.protected) === 0 || at === 0) return false;
  const told = entriesOf(view, at);
  const wanted = grants.map((grant) => encodeGrant(grant).toString('hex'));
  return told.length === wanted.length && wanted.every((each) => told.includes(each));
}

function entriesOf(view: View, listAt: number): readonly string[] {
  const entries: string[] = [];
  let at = listAt + listHeadBytes;
  for (let left = view.u16(listAt + 4); left > 0; left -= 1) {
    const length = view.u16(at + 2);
    if (length < 8) throw nonsense(`an entry of a file's rights has ${length} bytes, 8 at least expected`);
    entries.push(view.slice(at, length).toString('hex'));
    at += length;
  }
  return entries;
}

const securityInfo = 3;
const daclInfo = 4;

/** MS-SMB2 2.2.37. */
export const encodeQuerySecurity = (fileId: Buffer, room: number): Buffer =>
  Buffer.concat([u16(41), u8(securityInfo, 0), u32(room), zeros(8), u32(daclInfo), zeros(4), fileId]);

/** MS-SMB2 2.2.13.2: what is asked of a file beside its name, for one that is not there yet. */
export function encodeSecurityContext(security: Buffer): Buffer {
  const [nameAt, dataAt] = [16, 24];
  return Buffer.concat([u32(0), u16(nameAt, 4, 0, dataAt), u32(security.length), Buffer.from('SecD'), zeros(4), security]);
}
