import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { refusal } from '../refusal.js';
import { ntlmForbidden } from './spnego.js';

/** MS-ERREF 2.3.1, those that are no refusals. */
export const statuses = {
  success: 0,
  pending: 0x103,
  noMoreFiles: 0x80000006,
  endOfFile: 0xc0000011,
  moreProcessing: 0xc0000016,
} as const;

type Meaning = readonly [name: string, code: DriverErrorCode, words: string];

/** Of files, folders and shares. */
const meanings: Readonly<Record<number, Meaning>> = {
  2147483693: ['STOPPED_ON_SYMLINK', 'Unsupported', 'a link is on the way; name the path that it leads to'],
  3221225485: ['INVALID_PARAMETER', 'Invalid', 'the server does not take it so'],
  3221225487: ['NO_SUCH_FILE', 'NotFound', 'it is not there'],
  3221225488: ['INVALID_DEVICE_REQUEST', 'Unsupported', 'the file system there cannot do this'],
  3221225506: ['ACCESS_DENIED', 'Denied', 'the account may not do this there; give it the right on share and folder'],
  3221225523: [
    'OBJECT_NAME_INVALID',
    'Invalid',
    'the name is none for Windows: at most 255 characters, none of < > : " / | ? *, and no dot or blank at the end',
  ],
  3221225524: ['OBJECT_NAME_NOT_FOUND', 'NotFound', 'it is not there'],
  3221225525: ['OBJECT_NAME_COLLISION', 'Conflict', 'it is there already'],
  3221225529: ['OBJECT_PATH_INVALID', 'Invalid', 'what is named as its folder is none'],
  3221225530: ['OBJECT_PATH_NOT_FOUND', 'NotFound', 'its folder is not there'],
  3221225531: ['OBJECT_PATH_SYNTAX_BAD', 'Invalid', 'the path is none for Windows'],
  3221225539: ['SHARING_VIOLATION', 'Busy', 'it is open elsewhere, as by a machine that runs'],
  3221225540: ['QUOTA_EXCEEDED', 'Exhausted', 'the account has no more room there; raise its quota'],
  3221225556: ['FILE_LOCK_CONFLICT', 'Busy', 'another has locked that part of it'],
  3221225558: ['DELETE_PENDING', 'Busy', 'it goes as soon as whoever has it open closes it'],
  3221225599: ['DISK_FULL', 'Exhausted', 'the disk is full'],
  3221225626: ['INSUFFICIENT_RESOURCES', 'Exhausted', 'the server is out of memory'],
  3221225634: ['MEDIA_WRITE_PROTECTED', 'Denied', 'the disk is read-only'],
  3221225658: ['FILE_IS_A_DIRECTORY', 'Invalid', 'it is a folder, and a file is wanted'],
  3221225659: ['NOT_SUPPORTED', 'Unsupported', 'the server cannot do this'],
  3221225673: ['NETWORK_NAME_DELETED', 'Unavailable', 'the share was taken away meanwhile'],
  3221225676: ['BAD_NETWORK_NAME', 'NotFound', 'there is no such share; list them there with `Get-SmbShare`'],
  3221225680: ['REQUEST_NOT_ACCEPTED', 'Exhausted', 'the server has all the connections that it takes'],
  3221225729: ['DIRECTORY_NOT_EMPTY', 'Busy', 'there are files in it'],
  3221225731: ['NOT_A_DIRECTORY', 'Invalid', 'it is a file, and a folder is wanted'],
  3221225734: ['NAME_TOO_LONG', 'Invalid', 'the name is too long; Windows takes 255 characters'],
  3221225760: ['CANCELLED', 'TimedOut', 'it was called off'],
  3221225761: ['CANNOT_DELETE', 'Denied', 'it is read-only, or in use as a program; it cannot be deleted'],
  3221225768: ['FILE_CLOSED', 'Unavailable', 'the server has closed it'],
  3221225987: ['USER_SESSION_DELETED', 'Unavailable', 'the server has ended the session'],
  3221225989: ['INSUFF_SERVER_RESOURCES', 'Exhausted', 'the server is out of memory'],
  3221226071: ['PATH_NOT_COVERED', 'Unsupported', 'the share is one of DFS, and somewhere else; name the server that has it'],
  3221226332: ['NETWORK_SESSION_EXPIRED', 'Unavailable', 'the session has run out'],
  3221227780: ['FILE_TOO_LARGE', 'Invalid', 'the file system there has no files as large'],
};

/** That the server has ended the session or its share, by which nothing more is had, though the connection may stay. */
export const isOver = (status: number): boolean => [0xc00000c9, 0xc0000203, 0xc000035c].includes(status);

const account = 'the account in "username" of the Secret';
/** The way in is known, and we are not: a name or password that was wrong once is wrong again. */
const refusals: Readonly<Record<number, readonly [name: string, words: string]>> = {
  3221225506: ['ACCESS_DENIED', `it lets ${account} not in; it may ask for a way to encrypt that we have not`],
  3221225566: ['NO_LOGON_SERVERS', 'it reaches no domain controller that could tell who we are'],
  3221225572: ['NO_SUCH_USER', `it does not know ${account} (DOMAIN\\user, or user for an account of the host)`],
  3221225578: ['WRONG_PASSWORD', '"password" in the Secret is wrong'],
  3221225581: ['LOGON_FAILURE', '"username" (DOMAIN\\user, or user for an account of the host) or "password" in the Secret is wrong'],
  3221225582: ['ACCOUNT_RESTRICTION', `a policy keeps ${account} out, as one with an empty password`],
  3221225583: ['INVALID_LOGON_HOURS', `${account} may not log in at this time of day`],
  3221225584: ['INVALID_WORKSTATION', `${account} may not log in from here`],
  3221225585: ['PASSWORD_EXPIRED', '"password" in the Secret has expired; set another one'],
  3221225586: ['ACCOUNT_DISABLED', `${account} is disabled`],
  3221225819: ['LOGON_TYPE_NOT_GRANTED', `${account} may not log in over the network ("Access this computer from the network")`],
  3221225875: ['ACCOUNT_EXPIRED', `${account} has expired`],
  3221226020: ['PASSWORD_MUST_CHANGE', '"password" in the Secret has to be changed at the first login; do that there'],
  3221226036: ['ACCOUNT_LOCKED_OUT', `${account} is locked, as after wrong passwords; wait, or unlock it`],
  3221226520: ['NTLM_BLOCKED', ntlmForbidden],
};

/** `what` is the path. The status is named in Windows' own words as well. */
export function statusError(what: string, status: number): DriverError {
  const [name, code, words] = meanings[status] ?? [undefined, 'Internal' as const, 'the server refuses it'];
  return new DriverError(code, `${what}: ${words} (${name === undefined ? hex(status) : `STATUS_${name}`})`);
}

export function loginError(status: number): DriverError {
  const known = refusals[status];
  if (known !== undefined) return refusal(`the file server refuses the login: ${known[1]} (STATUS_${known[0]})`);
  return statusError('the login', status);
}

/** That local administrators are none over the network, which is the default, stops more people than anything else. */
export function shareError(path: string, status: number): DriverError {
  if (status !== 0xc0000022 || !/\$$/.test(path)) return statusError(path, status);
  const how = 'set LocalAccountTokenFilterPolicy to 1 there for local administrators, take an administrator of the domain, or name a share';
  return new DriverError('Denied', `${path}: only administrators come to it, and this account is none over the network: ${how}`);
}

const hex = (status: number): string => `status 0x${status.toString(16).padStart(8, '0')}`;
