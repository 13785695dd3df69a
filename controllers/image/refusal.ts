import type { ImageErrorCode } from './error.js';
import { inBytes } from './text.js';

export type HeaderRefusal = Extract<
  ImageErrorCode,
  | 'NotThisFormat'
  | 'Truncated'
  | 'UnknownVersion'
  | 'UnknownFeature'
  | 'BackingFile'
  | 'DataFile'
  | 'Encrypted'
  | 'Snapshots'
  | 'Dirty'
  | 'Corrupt'
  | 'TooLarge'
>;

export interface HeaderLimits {
  /** The volume's size: what the guest may see at most. */
  readonly virtualSizeBytes: number;
}

export interface Refused {
  readonly kind: 'refused';
  readonly reason: HeaderRefusal;
  /** What was found, what is accepted and the remedy, for people. */
  readonly message: string;
}

/** `virtualSizeBytes`: what the header says the guest will see; absent where the format does not say. */
export type HeaderVerdict = { readonly kind: 'accepted'; readonly virtualSizeBytes?: number } | Refused;

export function refuse(reason: HeaderRefusal, message: string): Refused {
  return { kind: 'refused', reason, message };
}

/** What is larger than the volume is refused. */
export function checkVirtualSize(size: bigint, { virtualSizeBytes: most }: HeaderLimits): Refused | undefined {
  if (size <= BigInt(most)) return undefined;
  return refuse(
    'TooLarge',
    `the image's virtual size is ${inBytes(size)}, the volume's ${inBytes(most)}; ask for a volume of at least ${size} bytes`,
  );
}

export function corrupt(what: string): Refused {
  return refuse('Corrupt', `the image's qcow2 header is broken: ${what}; look at it with "qemu-img check", or publish a good copy`);
}
