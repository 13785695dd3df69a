import { both16, both32, wide } from './iso-bytes.js';

export const sectorBytes = 2048;

/** The plain view carries Rock Ridge's names beside its own. */
export type View = 'plain' | 'joliet';

/** A folder's entry of itself, of its parent, of a file in it; or the root folder as a descriptor has it, with nothing beside. */
export type What = 'root' | 'self' | 'parent' | { readonly name: string; readonly plainName: string };

interface Place {
  readonly sector: number;
  readonly bytes: number;
}

/** Of a folder and of a file that only root may read, as POSIX has them. */
const modes = { folder: 0o040500, file: 0o100400 } as const;

export const recordSize = (view: View, what: What): number => record(view, what, { sector: 0, bytes: 0 }, 0).length;

/** A directory record. Its date is always the same: the image tells nothing of when it was made. */
export function record(view: View, what: What, { sector, bytes }: Place, continuationSector: number): Buffer {
  const isFile = typeof what === 'object';
  const name = isFile
    ? view === 'joliet'
      ? wide(what.name)
      : Buffer.from(what.plainName, 'latin1')
    : Buffer.of(what === 'parent' ? 1 : 0);
  const beside = view === 'joliet' || what === 'root' ? Buffer.alloc(0) : rockRidge(what, continuationSector);
  const padding = name.length % 2 === 0 ? 1 : 0;
  const head = Buffer.alloc(33);
  both32(head, 2, sector);
  both32(head, 10, bytes);
  head.set([100, 1, 1, 0, 0, 0, 0], 18);
  head[25] = isFile ? 0 : 2;
  both16(head, 28, 1);
  head[32] = name.length;
  const made = Buffer.concat([head, name, Buffer.alloc(padding), beside, Buffer.alloc(beside.length % 2)]);
  made[0] = made.length;
  return made;
}

/** System use entries: that there are such, what POSIX wants to know, and the name as it is. */
function rockRidge(what: Exclude<What, 'root'>, continuationSector: number): Buffer {
  if (typeof what === 'object') return Buffer.concat([posix(modes.file, 1), entry('NM', Buffer.from(`\0${what.name}`, 'latin1'))]);
  if (what === 'parent') return posix(modes.folder, 2);
  const rest = Buffer.alloc(24);
  both32(rest, 0, continuationSector);
  both32(rest, 16, continuation.length);
  return Buffer.concat([entry('SP', Buffer.of(0xbe, 0xef, 0)), posix(modes.folder, 2), entry('CE', rest)]);
}

function posix(mode: number, links: number): Buffer {
  const fields = Buffer.alloc(32);
  both32(fields, 0, mode);
  both32(fields, 8, links);
  return entry('PX', fields);
}

const entry = (signature: string, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(signature, 'latin1'), Buffer.of(4 + data.length, 1), data]);

const extension = [
  'RRIP_1991A',
  'THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS',
  'PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.',
];

/** Which extension it is: too long to stand in a record. */
export const continuation = entry(
  'ER',
  Buffer.concat([Buffer.from([...extension.map(({ length }) => length), 1]), Buffer.from(extension.join(''), 'latin1')]),
);
