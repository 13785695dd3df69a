import { both16, both32, wide } from './iso-bytes.js';
import { continuation, record, recordSize, sectorBytes, type View } from './iso-records.js';

/** A file in the image's only folder. */
export interface IsoFile {
  /** 1 to 64 printable ASCII characters, as `user-data`. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** Where the parts of an image begin, in sectors. The first sixteen are left to systems that boot from it. */
const at = { primary: 16, joliet: 17, end: 18, primaryPaths: 19, jolietPaths: 21, continuation: 23, folders: 24 } as const;

/**
 * An ISO 9660 image of these files, with Rock Ridge and Joliet names, so that every system reads the names as they are. The same files are
 * the same bytes: nothing in it tells when it was made. Only root may read the files where the system heeds Rock Ridge.
 * @throws TypeError when a label or a name cannot be said in all three
 */
export function isoImage(label: string, files: readonly IsoFile[]): Buffer {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(label))
    throw new TypeError(`label ${JSON.stringify(label)}: 1 to 16 letters, digits, "-" or "_" expected`);
  checkNames(files);
  const layout = layoutOf(files);
  const image = Buffer.alloc(layout.sectors * sectorBytes);
  const put = (sector: number, bytes: Uint8Array) => image.set(bytes, sector * sectorBytes);
  put(at.primary, descriptor('plain', label, layout));
  put(at.joliet, descriptor('joliet', label, layout));
  put(at.end, Buffer.from('\xffCD001\x01', 'latin1'));
  put(at.continuation, continuation);
  for (const [view, paths] of [['plain', at.primaryPaths] as const, ['joliet', at.jolietPaths] as const]) {
    put(paths, pathTable(layout[view].sector, 'LE'));
    put(paths + 1, pathTable(layout[view].sector, 'BE'));
    put(layout[view].sector, folder(view, layout));
  }
  for (const { sector, content } of layout.files) put(sector, content);
  return image;
}

interface Folder {
  readonly sector: number;
  readonly bytes: number;
}

interface Layout {
  readonly plain: Folder;
  readonly joliet: Folder;
  readonly files: readonly (IsoFile & { readonly sector: number; readonly plainName: string })[];
  readonly sectors: number;
}

function checkNames(files: readonly IsoFile[]): void {
  for (const { name } of files)
    if (!/^[\x21-\x7e]{1,64}$/.test(name) || /[*/:;?\\]/.test(name))
      throw new TypeError(`file name ${JSON.stringify(name)}: 1 to 64 printable characters without * / : ; ? \\ expected`);
  if (new Set(files.map(({ name }) => name)).size < files.length) throw new TypeError('two files have the same name');
}

function layoutOf(files: readonly IsoFile[]): Layout {
  // Readers may look for a name by halving: each view's folder is in the order of its names.
  const named = files.map((file, index) => ({ ...file, plainName: `F${String(index).padStart(4, '0')}.;1` }));
  const plain = { sector: at.folders, bytes: folderBytes('plain', named) };
  const joliet = { sector: plain.sector + sectorsOf(plain.bytes), bytes: folderBytes('joliet', named) };
  let next = joliet.sector + sectorsOf(joliet.bytes);
  const placed = named.map((file) => {
    const sector = next;
    next += sectorsOf(file.content.length);
    return { ...file, sector };
  });
  return { plain, joliet, files: placed, sectors: next };
}

const sectorsOf = (bytes: number): number => Math.ceil(bytes / sectorBytes);

type Named = Pick<Layout['files'][number], 'name' | 'plainName'>;

const inOrder = <T extends Named>(view: View, files: readonly T[]): readonly T[] =>
  view === 'plain' ? files : [...files].sort(({ name: a }, { name: b }) => (a < b ? -1 : 1));

/** No record lies across the border of two sectors. */
function offsets(sizes: readonly number[]): { readonly offsets: readonly number[]; readonly bytes: number } {
  let end = 0;
  const begins = sizes.map((size) => {
    const left = sectorBytes - (end % sectorBytes);
    const begin = size > left ? end + left : end;
    end = begin + size;
    return begin;
  });
  return { offsets: begins, bytes: sectorsOf(end) * sectorBytes };
}

const sizesOf = (view: View, files: readonly Named[]): readonly number[] => [
  recordSize(view, 'self'),
  recordSize(view, 'parent'),
  ...inOrder(view, files).map((file) => recordSize(view, file)),
];

const folderBytes = (view: View, files: readonly Named[]): number => offsets(sizesOf(view, files)).bytes;

function folder(view: View, layout: Layout): Buffer {
  const { sector, bytes } = layout[view];
  const self = { sector, bytes };
  const records = [
    record(view, 'self', self, at.continuation),
    record(view, 'parent', self, at.continuation),
    ...inOrder(view, layout.files).map((file) => record(view, file, { sector: file.sector, bytes: file.content.length }, at.continuation)),
  ];
  const made = Buffer.alloc(bytes);
  const { offsets: begins } = offsets(records.map(({ length }) => length));
  for (const [index, begin] of begins.entries()) made.set(records[index] as Buffer, begin);
  return made;
}

/** One folder, whose parent is itself. */
function pathTable(sector: number, order: 'LE' | 'BE'): Buffer {
  const table = Buffer.alloc(10);
  table[0] = 1;
  table[order === 'LE' ? 'writeUInt32LE' : 'writeUInt32BE'](sector, 2);
  table[order === 'LE' ? 'writeUInt16LE' : 'writeUInt16BE'](1, 6);
  return table;
}

function descriptor(view: View, label: string, layout: Layout): Buffer {
  const joliet = view === 'joliet';
  const paths = joliet ? at.jolietPaths : at.primaryPaths;
  const made = Buffer.alloc(sectorBytes);
  const text = (from: number, length: number, value = '') =>
    joliet ? made.set(wide(value.padEnd(Math.floor(length / 2))), from) : made.write(value.padEnd(length), from, 'latin1');
  made[0] = joliet ? 2 : 1;
  made.write('CD001\x01', 1, 'latin1');
  text(8, 32);
  text(40, 32, label);
  both32(made, 80, layout.sectors);
  if (joliet) made.write('%/E', 88, 'latin1');
  both16(made, 120, 1);
  both16(made, 124, 1);
  both16(made, 128, sectorBytes);
  both32(made, 132, 10);
  made.writeUInt32LE(paths, 140);
  made.writeUInt32BE(paths + 1, 148);
  made.set(record(view, 'root', layout[view], at.continuation), 156);
  for (const from of [190, 318, 446, 574]) text(from, 128);
  for (const from of [702, 739, 776]) text(from, 37);
  // No dates: sixteen digits that say so, and a time zone.
  for (const from of [813, 830, 847, 864]) made.write('0'.repeat(16), from, 'latin1');
  made[881] = 1;
  return made;
}
