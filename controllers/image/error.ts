/**
 * What the reconciler does next when an image is not taken: `retry` with back-off, or `stall` until what was asked, or what
 * it refers to, changes. Adding a code without a verdict does not compile.
 */
export const verdicts = {
  /** The server was not reached, or says that it cannot serve now. */
  Unavailable: 'retry',
  /** No answer, or too little of it, in time. */
  TimedOut: 'retry',
  /** The caller's signal ended it. */
  Aborted: 'retry',
  /** The connection broke before the end. */
  Incomplete: 'retry',
  /** Not there, perhaps not published yet. */
  NotFound: 'retry',
  /** The server's certificate is not accepted; renewing it needs no change here. */
  Untrusted: 'retry',
  /** The server wants credentials, or never gives this to us. */
  Denied: 'stall',
  /** The server answered with something that is not a plain body. */
  BadResponse: 'stall',
  InvalidUrl: 'stall',
  InvalidGrant: 'stall',
  InvalidChecksum: 'stall',
  /** The URL, or a redirect, leads to an address that is neither public nor granted. */
  AddressRefused: 'stall',
  /** From https to http, or too many hops. */
  RedirectRefused: 'stall',
  ChecksumMismatch: 'stall',
  /** Cannot be told from a truncated one: neither length nor checksum. */
  Unverifiable: 'stall',
  /** Larger than the volume, as a file or as a disk. */
  TooLarge: 'stall',
  /** The bytes are not of the declared format. */
  NotThisFormat: 'stall',
  /** The whole file is shorter than its own header. */
  Truncated: 'stall',
  UnknownVersion: 'stall',
  /** Needs something that we do not know to be safe. */
  UnknownFeature: 'stall',
  BackingFile: 'stall',
  DataFile: 'stall',
  Encrypted: 'stall',
  Snapshots: 'stall',
  Dirty: 'stall',
  Corrupt: 'stall',
  /** It must be converted, and the program for that is not there. */
  NoConverter: 'stall',
  /** Where the agent runs. */
  NoRoom: 'retry',
} as const satisfies Record<string, 'retry' | 'stall'>;

export type ImageErrorCode = keyof typeof verdicts;

/** The only error that fetching and checking images lets out. Its message names no secret: no query string, no user part of a URL. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get verdict(): 'retry' | 'stall' {
    return verdicts[this.code];
  }
}
