/** How well-known contents begin. For messages only: what a file looks like never decides how it is treated. */
const beginnings: readonly (readonly [begin: string, what: string])[] = [
  ['\x1f\x8b', 'a gzip archive'],
  ['\xfd7zXZ\0', 'an xz archive'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive'],
  ['BZh', 'a bzip2 archive'],
  ['PK\x03\x04', 'a zip archive'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['QFI\xfb', 'a qcow image'],
  ['KDMV', 'a VMDK image'],
  ['# Disk DescriptorFile', 'a VMDK descriptor'],
  ['vhdxfile', 'a VHDX image'],
  ['conectix', 'a VHD image'],
  ['LUKS\xba\xbe', 'a LUKS volume'],
  ['<!doctype html', 'an HTML page'],
  ['<html', 'an HTML page'],
  ['<?xml', 'an XML document'],
  ['version https://git-lfs', 'a Git LFS pointer'],
];

/** ` (it looks like an HTML page)`, or nothing. */
export function looksLike(head: Uint8Array): string {
  const begin = Buffer.from(head.subarray(0, 32)).toString('latin1').toLowerCase();
  const found = beginnings.find(([start]) => begin.startsWith(start.toLowerCase()));
  return found === undefined ? '' : ` (it looks like ${found[1]})`;
}
