import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { WsmanFault } from './fault.js';

/** What a fault means, and what an administrator can do about it. */
type Meaning = readonly [DriverErrorCode, string?];

const rights: Meaning = [
  'Denied',
  'put the account into the groups "Remote Management Users" and "Hyper-V Administrators"; one that is local and not the built-in Administrator also needs LocalAccountTokenFilterPolicy=1 where it is an administrator',
];
const noHyperV: Meaning = [
  'Unsupported',
  'the namespace, or a class of it, is not there: is the role Hyper-V installed, and does its service (vmms) run? A v1 host has no root/virtualization/v2, and a newer one no v1',
];
const noMethod: Meaning = ['Unsupported', 'this version of Windows does not have the method'];
const quota: Meaning = ['Exhausted', 'the host takes no more of this at a time: see `winrm get winrm/config` for its limits'];
const absent: Meaning = ['NotFound'];

/** What a host says of a listing whose namespace or class it does not have: it has no other number for it. Nor for a query that is wrong, and ours are not. */
const unlisted = 2150858778; // ERROR_WSMAN_ENUMERATE_CANNOT_PROCESS_FILTER

/** Of Windows, WMI (WBEM_E_…) and WinRM (wsmerror.h), as unsigned numbers. */
const byNumber: Readonly<Record<number, Meaning>> = {
  5: rights, // ERROR_ACCESS_DENIED
  1168: absent, // ERROR_NOT_FOUND
  2147942405: rights, // E_ACCESSDENIED
  2147749890: absent, // WBEM_E_NOT_FOUND
  2147749891: rights, // WBEM_E_ACCESS_DENIED
  2147749896: ['Invalid'], // WBEM_E_INVALID_PARAMETER
  2147749902: noHyperV, // WBEM_E_INVALID_NAMESPACE
  2147749904: ['Unsupported', 'this version of Windows does not have the class'], // WBEM_E_INVALID_CLASS
  2147749911: ['Internal'], // WBEM_E_INVALID_QUERY
  2147749934: noMethod, // WBEM_E_INVALID_METHOD
  2147749996: quota, // WBEM_E_QUOTA_VIOLATION
  2150858752: absent, // ERROR_WSMAN_RESOURCE_NOT_FOUND
  [unlisted]: noHyperV,
  2150859012: rights, // ERROR_WSMAN_WMI_SVC_ACCESS_DENIED
  2150859013: rights, // ERROR_WSMAN_WMI_PROVIDER_ACCESS_DENIED
  2150859014: rights, // ERROR_WSMAN_WMI_CANNOT_CONNECT_ACCESS_DENIED
  2150859038: ['Invalid'], // ERROR_WSMAN_WMI_PROVIDER_INVALID_PARAMETER
};

const bySubcode: Readonly<Record<string, Meaning>> = {
  AccessDenied: rights,
  DestinationUnreachable: absent,
  InvalidSelectors: ['Invalid'],
  InvalidMessageInformationHeader: ['Internal'],
  ActionNotSupported: noMethod,
  UnsupportedFeature: ['Unsupported'],
  DeliveryModeRequestedUnavailable: ['Unsupported'],
  EventSourceUnableToProcess: ['Unsupported', 'this version of Windows sends no events of it'],
  CannotProcessFilter: ['Internal'],
  InvalidEnumerationContext: ['Conflict', 'the host has forgotten how far the listing went'],
  QuotaLimit: quota,
  EncodingLimit: ['Exhausted', 'the answer is larger than the host sends at a time: raise MaxEnvelopeSizekb there'],
  Concurrency: ['Busy'],
  TimedOut: ['TimedOut', 'the host did not finish in time; it may still be at it'],
  InternalError: ['Internal'],
  ServerBusy: ['Busy'],
};

/** The fault as a DriverError: the host's own sentence, then what to do about it. */
export function toDriverError(fault: WsmanFault): DriverError {
  const [code, advice] = meaningOf(fault);
  return new DriverError(code, advice === undefined ? fault.message : `${fault.message}: ${advice}`, { cause: fault });
}

/** The innermost number says most. */
function meaningOf({ numbers, subcode }: WsmanFault): Meaning {
  const number = numbers.findLast((each) => Object.hasOwn(byNumber, each));
  if (number !== undefined) return byNumber[number] ?? ['Internal'];
  return (Object.hasOwn(bySubcode, subcode) ? bySubcode[subcode] : undefined) ?? ['Internal'];
}

export function asDriverError(reason: unknown): DriverError {
  return reason instanceof WsmanFault ? toDriverError(reason) : DriverError.from(reason);
}

/** Whether the host only says that it has nothing to tell yet. */
export const isNothingYet = (reason: unknown): boolean => isFault(reason, 'TimedOut');

/** Whether a listing has to begin anew. */
export const isForgotten = (reason: unknown): boolean => isFault(reason, 'InvalidEnumerationContext');

/** What goes wrong with a listing. Where it is of what belongs to an object, and the host has no more to say, that object is gone. */
export function asListingError(wql: string, reason: unknown): DriverError {
  const error = asDriverError(reason);
  const { cause } = error;
  const isGone =
    /^ASSOCIATORS /.test(wql) &&
    cause instanceof WsmanFault &&
    cause.numbers.length > 0 &&
    cause.numbers.every((each) => each === unlisted);
  return isGone ? new DriverError('NotFound', cause.message, { cause }) : error;
}

function isFault(reason: unknown, subcode: string): boolean {
  if (reason instanceof WsmanFault) return reason.subcode === subcode;
  return reason instanceof DriverError && isFault(reason.cause, subcode);
}
