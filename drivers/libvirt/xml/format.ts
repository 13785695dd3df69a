import type { VolumeFormat } from '#drivers/driver.js';

/** libvirt's words for the formats we know; others are not ours to interpret. */
const nativeFormats: Readonly<Record<VolumeFormat, string>> = { Raw: 'raw', Qcow2: 'qcow2' };

export function nativeFormat(format: VolumeFormat): string {
  return nativeFormats[format];
}

export function volumeFormat(native: string | undefined): VolumeFormat | undefined {
  return (Object.keys(nativeFormats) as VolumeFormat[]).find((format) => nativeFormats[format] === native);
}

export const volumeFormats = Object.keys(nativeFormats) as readonly VolumeFormat[];
