import type { VolumeFormat } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/** libvirt's words for the formats we use; others are not ours to interpret. */
const nativeFormats: Readonly<Partial<Record<VolumeFormat, string>>> = { Raw: 'raw', Qcow2: 'qcow2', Directory: 'dir' };

/** Of what a disk can be. */
export const volumeFormats: readonly VolumeFormat[] = ['Raw', 'Qcow2'];

export function nativeFormat(format: VolumeFormat): string {
  const native = nativeFormats[format];
  if (native !== undefined) return native;
  throw new DriverError('Unsupported', `format: ${format} was given; accepted: ${volumeFormats.join(', ')}`);
}

export function volumeFormat(native: string | undefined): VolumeFormat | undefined {
  return native === undefined
    ? undefined
    : (Object.keys(nativeFormats) as VolumeFormat[]).find((format) => nativeFormats[format] === native);
}
