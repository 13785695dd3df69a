import type { VolumeFormat } from '#drivers/driver.js';

/**
 * How the contents begin that libvirt, when it refreshes a pool, takes for something else than a plain disk (its storage_file_probe.c; those
 * of newer versions with them). A guest can write any of them into a Raw disk.
 */
const beginnings: readonly (readonly [offset: number, bytes: string])[] = [
  [0, 'QFI\xfb'],
  [0, 'QED'],
  [0, 'KDMV'],
  [0, 'COWD'],
  [0, '# Disk DescriptorFile'],
  [0, 'conectix'],
  [0, 'vhdxfile'],
  [0, 'LUKS\xba\xbe'],
  [0, 'SKUL\xba\xbe'],
  [0, 'WithoutFreeSpace'],
  [0, 'WithouFreSpacExt'],
  [0, 'Bochs Virtual HD Image'],
  [0, '#!/bin/sh\n#V2.0 Format\n'],
  [64, '\x7f\x10\xda\xbe'],
  [32_769, 'CD001'],
];

/** How much of a volume libvirt looks at, in bytes. */
export const probedBytes = 64 * 1024;

/** What libvirt would call a volume that begins so: Raw only when nothing else comes into question, undefined for what is neither. */
export function wouldProbe(head: Uint8Array): VolumeFormat | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const [found] = beginnings.filter(([offset, begin]) =>
    bytes.subarray(offset, offset + begin.length).equals(Buffer.from(begin, 'latin1')),
  );
  if (found === undefined) return 'Raw';
  return found[1] === 'QFI\xfb' ? 'Qcow2' : undefined;
}
