import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import type { RemoteError } from './types.js';

/** libvirt's error numbers (virterror.h) that someone may want to tell apart. */
export const libvirtCodes = {
  internalError: 1,
  noMemory: 2,
  noSupport: 3,
  noConnect: 5,
  invalidConnection: 6,
  invalidDomain: 7,
  invalidArgument: 8,
  operationFailed: 9,
  noXen: 14,
  osType: 16,
  noKernel: 17,
  noRoot: 18,
  noSource: 19,
  noTarget: 20,
  noName: 21,
  noOs: 22,
  noDevice: 23,
  noXenstore: 24,
  callFailed: 26,
  xmlError: 27,
  domainExists: 28,
  operationDenied: 29,
  xmlDetail: 35,
  networkExists: 37,
  systemError: 38,
  rpc: 39,
  noDomain: 42,
  noNetwork: 43,
  invalidMac: 44,
  authFailed: 45,
  noStoragePool: 49,
  noStorageVolume: 50,
  noNodeDevice: 53,
  noSecurityModel: 54,
  operationInvalid: 55,
  noInterface: 57,
  noNwfilter: 62,
  noSecret: 66,
  configUnsupported: 67,
  operationTimeout: 68,
  noDomainSnapshot: 72,
  argumentUnsupported: 74,
  storageProbeFailed: 75,
  storagePoolBuilt: 76,
  operationAborted: 78,
  authCancelled: 79,
  noDomainMetadata: 80,
  migrateUnsafe: 81,
  overflow: 82,
  blockCopyActive: 83,
  operationUnsupported: 84,
  agentUnresponsive: 86,
  resourceBusy: 87,
  accessDenied: 88,
  storageVolumeExists: 90,
  cpuIncompatible: 91,
  xmlInvalidSchema: 92,
  authUnavailable: 94,
  agentUnsynced: 97,
  deviceMissing: 99,
  noDomainCheckpoint: 103,
  noDomainBackup: 104,
  noHostname: 108,
  multipleDomains: 110,
} as const;

export type LibvirtCode = keyof typeof libvirtCodes;

/** Every code that is named has a meaning; one that is not is Internal. */
const meanings: Readonly<Record<LibvirtCode, DriverErrorCode>> = {
  internalError: 'Internal',
  noMemory: 'Exhausted',
  noSupport: 'Unsupported',
  noConnect: 'Unavailable',
  invalidConnection: 'Unavailable',
  invalidDomain: 'Invalid',
  invalidArgument: 'Invalid',
  operationFailed: 'Internal',
  noXen: 'Unavailable',
  osType: 'Unsupported',
  noKernel: 'Invalid',
  noRoot: 'Invalid',
  noSource: 'Invalid',
  noTarget: 'Invalid',
  noName: 'Invalid',
  noOs: 'Invalid',
  noDevice: 'Invalid',
  noXenstore: 'Unavailable',
  callFailed: 'Unsupported',
  xmlError: 'Invalid',
  domainExists: 'Conflict',
  operationDenied: 'Denied',
  xmlDetail: 'Invalid',
  networkExists: 'Conflict',
  systemError: 'Internal',
  rpc: 'Internal',
  noDomain: 'NotFound',
  noNetwork: 'NotFound',
  invalidMac: 'Invalid',
  authFailed: 'Denied',
  noStoragePool: 'NotFound',
  noStorageVolume: 'NotFound',
  noNodeDevice: 'NotFound',
  noSecurityModel: 'Unsupported',
  // Not at this time: it is on, or off, by now.
  operationInvalid: 'Conflict',
  noInterface: 'NotFound',
  noNwfilter: 'NotFound',
  noSecret: 'NotFound',
  configUnsupported: 'Unsupported',
  // The host gave up waiting for another job on the same machine, and did nothing.
  operationTimeout: 'Busy',
  noDomainSnapshot: 'NotFound',
  argumentUnsupported: 'Unsupported',
  storageProbeFailed: 'Invalid',
  storagePoolBuilt: 'Conflict',
  operationAborted: 'Conflict',
  authCancelled: 'Denied',
  noDomainMetadata: 'NotFound',
  migrateUnsafe: 'Unsupported',
  overflow: 'Invalid',
  blockCopyActive: 'Busy',
  operationUnsupported: 'Unsupported',
  agentUnresponsive: 'TimedOut',
  resourceBusy: 'Busy',
  accessDenied: 'Denied',
  storageVolumeExists: 'Conflict',
  cpuIncompatible: 'Unsupported',
  xmlInvalidSchema: 'Invalid',
  authUnavailable: 'Denied',
  agentUnsynced: 'Busy',
  deviceMissing: 'NotFound',
  noDomainCheckpoint: 'NotFound',
  noDomainBackup: 'NotFound',
  noHostname: 'NotFound',
  multipleDomains: 'Conflict',
};

const meaningOfNumber = new Map<number, DriverErrorCode>(
  Object.entries(libvirtCodes).map(([name, number]) => [number, meanings[name as LibvirtCode]]),
);

/** With a system error the host sends its errno, in Linux's numbers. */
const meaningOfErrno = new Map<number, DriverErrorCode>([
  [1, 'Denied'],
  [2, 'NotFound'],
  [12, 'Exhausted'],
  [13, 'Denied'],
  [16, 'Busy'],
  [17, 'Conflict'],
  [28, 'Exhausted'],
  [110, 'TimedOut'],
  [122, 'Exhausted'],
]);

/** libvirt repeats the command that failed, and hands iscsiadm a password as one of its words. */
const withoutPassword = (text: string | undefined): string | undefined =>
  text?.replace(/(auth\.password(?:_in)? --value )\S+/g, '$1[redacted]');

/** What libvirt said, in full. `code` and `domain` are its numbers (virterror.h); `int1` is the errno of a system error. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly strings: readonly (string | undefined)[];
  readonly int1: number;
  readonly int2: number;

  constructor(remote: RemoteError) {
    super(withoutPassword(remote.message) ?? `error ${remote.code}, without a message`);
    this.code = remote.code;
    this.domain = remote.domain;
    this.level = remote.level;
    this.strings = [remote.str1, remote.str2, remote.str3].map(withoutPassword);
    this.int1 = remote.int1;
    this.int2 = remote.int2;
  }
}

/** Which part of libvirt complains: its clients of other daemons. */
const rpcDomain = 7;

/**
 * A daemon that the one we speak with asks in our place is gone, and it asks it no more for us, not even when that one is back: split daemons ask
 * their siblings so. Its words are those of its host's language.
 */
export const isSiblingGone = (error: unknown): boolean =>
  error instanceof LibvirtError && error.domain === rpcDomain && error.code === libvirtCodes.internalError;

/** The host's error as a DriverError, with the host's words as message and cause. */
export function toDriverError(error: LibvirtError): DriverError {
  return new DriverError(meaningOf(error), error.message, { cause: error });
}

/** Which libvirt error stands behind `error`, if one does. */
export function libvirtCodeOf(error: unknown): number | undefined {
  if (error instanceof LibvirtError) return error.code;
  return error instanceof Error && error.cause !== undefined ? libvirtCodeOf(error.cause) : undefined;
}

/** The flags of a call that the host does not know; it has then done nothing. 0 when that is not what it complained of. */
export function unknownFlags(error: unknown): number {
  const found = isLibvirt(error, 'invalidArgument') && /unsupported flags \((0x[0-9a-f]+)\)/.exec((error as Error).message);
  return found ? Number(found[1]) : 0;
}

export function isLibvirt(error: unknown, code: LibvirtCode): boolean {
  return libvirtCodeOf(error) === libvirtCodes[code];
}

function meaningOf(error: LibvirtError): DriverErrorCode {
  if (isSiblingGone(error)) return 'Unavailable';
  const meaning = meaningOfNumber.get(error.code) ?? 'Internal';
  return meaning === 'Internal' ? (meaningBehind(error) ?? meaning) : meaning;
}

/** Some errors say no more than that something failed; what failed is told otherwise. */
function meaningBehind(error: LibvirtError): DriverErrorCode | undefined {
  if (error.code === libvirtCodes.systemError) return meaningOfErrno.get(error.int1);
  if (error.code === libvirtCodes.rpc && /^(unknown procedure|cannot find program)/i.test(error.message)) return 'Unsupported';
  // Of a failed helper program only its words are passed on.
  if (/^internal error: storage volume name '.*' already in use/i.test(error.message)) return 'Conflict';
  if (/no space left on device/i.test(error.message)) return 'Exhausted';
  if (/authorization failure/i.test(error.message)) return 'Denied';
  if (/has asynchronous jobs running/.test(error.message)) return 'Busy';
  return undefined;
}
