import { DriverError } from '#drivers/error.js';
import { attribute, textOf, type XmlElement } from '#drivers/xml/tree.js';

// libvirt's words: one letter or …iB is a power of 1024, …B a power of 1000; `b` and `bytes` are bytes.
const powers: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 };

function bytesPerUnit(unit: string): number | undefined {
  const lower = unit.toLowerCase();
  if (lower === 'b' || lower === 'bytes') return 1;
  const power = powers[lower.charAt(0)];
  if (power === undefined || !['', 'b', 'ib'].includes(lower.slice(1))) return undefined;
  return (lower.slice(1) === 'b' ? 1000 : 1024) ** power;
}

/** An element such as `<memory unit='KiB'>65536</memory>` in bytes; undefined for an absent element. */
export function sizeOf(size: XmlElement | undefined, defaultUnit: 'KiB' | 'bytes'): number | undefined {
  if (size === undefined) return undefined;
  const text = textOf(size)?.trim() ?? '';
  const unit = attribute(size, 'unit') ?? defaultUnit;
  const bytes = Number(text) * (bytesPerUnit(unit) ?? Number.NaN);
  if (!/^\d+$/.test(text) || !Number.isFinite(bytes)) throw new DriverError('Invalid', `<${size.name}>: "${text}" ${unit} is not a size`);
  return bytes;
}

/** A whole number, as in `<vcpu>2</vcpu>`; undefined when absent or something else. */
export function wholeNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
