import { DriverError, type DriverErrorCode } from '#drivers/error.js';

/** What Hyper-V's methods return beside 0; of two families that do not meet. */
const meanings: Readonly<Record<number, readonly [DriverErrorCode, string]>> = {
  1: ['Unsupported', 'not supported'],
  2: ['Internal', 'failed'],
  3: ['TimedOut', 'timed out'],
  4: ['Invalid', 'invalid parameter'],
  5: ['Conflict', 'invalid state'],
  6: ['Invalid', 'parameters that do not go together'],
  32768: ['Internal', 'failed'],
  32769: ['Denied', 'access denied: put the account into the group "Hyper-V Administrators"'],
  32770: ['Unsupported', 'not supported'],
  32771: ['Internal', 'status unknown'],
  32772: ['TimedOut', 'timed out'],
  32773: ['Invalid', 'invalid parameter'],
  32774: ['Busy', 'something is in use: see which machine or program has it, as a backup may'],
  32775: ['Conflict', 'invalid state for this: what is under way with it has to end first'],
  32776: ['Invalid', 'incorrect data'],
  32777: ['Unavailable', 'not available'],
  32778: ['Exhausted', 'out of memory'],
  32779: ['NotFound', 'file not found'],
  32780: ['Unavailable', 'the guest is not ready: its integration services do not run'],
  32781: ['Busy', 'the guest is locked'],
  32782: ['Busy', 'the guest is shutting down already'],
  32787: ['Conflict', 'the chain of virtual disks is a circle'],
};

/** What Windows says beneath a job's own number, and puts in brackets behind its words in whatever language: HRESULTs. */
const beneath: Readonly<Record<string, DriverErrorCode>> = {
  '80070002': 'NotFound', // ERROR_FILE_NOT_FOUND
  '80070003': 'NotFound', // ERROR_PATH_NOT_FOUND
  '80070005': 'Denied', // ERROR_ACCESS_DENIED
  '8007000E': 'Exhausted', // ERROR_OUTOFMEMORY
  '80070020': 'Busy', // ERROR_SHARING_VIOLATION
  '80070021': 'Busy', // ERROR_LOCK_VIOLATION
  '80070050': 'Conflict', // ERROR_FILE_EXISTS
  '80070057': 'Invalid', // ERROR_INVALID_PARAMETER
  '80070070': 'Exhausted', // ERROR_DISK_FULL
  '800700AA': 'Busy', // ERROR_BUSY
  '800700B7': 'Conflict', // ERROR_ALREADY_EXISTS
  '800705AA': 'Exhausted', // ERROR_NO_SYSTEM_RESOURCES
  '800705AF': 'Exhausted', // ERROR_COMMITMENT_LIMIT
};

/**
 * Of virtual disks (winerror.h, 0xC03A…): what is broken, or has no parent any more, is `Invalid`. What has one that it does not go with, or is not let
 * into, is of use again once that is put right. All else may be an error of reading.
 */
const broken = /^C03A00(0[1-468AD]|1[235B])$/;
const apart = /^C03A00(0[EF]|1[6-9])$/;

function ofDisk(digits: string): DriverErrorCode | undefined {
  if (apart.test(digits)) return 'Conflict';
  return broken.test(digits) ? 'Invalid' : undefined;
}

const meaningOf = (digits: string): DriverErrorCode | undefined => (Object.hasOwn(beneath, digits) ? beneath[digits] : ofDisk(digits));

/** The last one is the innermost. */
function codeBeneath(said: string): DriverErrorCode | undefined {
  const numbers = [...said.matchAll(/\b0x([0-9a-f]{8})\b/gi)].map(([, digits = '']) => digits.toUpperCase());
  const known = numbers.findLast((each) => meaningOf(each) !== undefined);
  return known === undefined ? undefined : meaningOf(known);
}

export const isInvalidState = (reason: unknown): boolean => reason instanceof MethodFailure && [5, 32775].includes(reason.returned);

/** A file that another has open: by the method's own number, or by Windows' beneath it. */
const isInUse = (code: DriverErrorCode, returned: number): boolean => code === 'Busy' && [2, 32768, 32774].includes(returned);
const seeWhich = '; see which machine or program has it';

/** A method's refusal, or a job's end. */
export class MethodFailure extends DriverError {
  readonly returned: number;

  /** `said` are the host's own words, where there are any. */
  constructor(method: string, returned: number, said?: string) {
    const [code, meaning] = meanings[returned] ?? ['Internal', 'a code that is not known'];
    const isVague = code === 'Internal' && said !== undefined;
    const actual = (isVague ? codeBeneath(said) : undefined) ?? code;
    const words =
      said === undefined ? `the host says ${meaning}` : isInUse(actual, returned) ? `${said.replace(/\.$/, '')}${seeWhich}` : said;
    super(actual, `${method}: ${words} (${returned})`);
    this.returned = returned;
  }
}
