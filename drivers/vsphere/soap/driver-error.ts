import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { VimFault } from './fault.js';

/** What a kind of fault means, and what an administrator of vSphere can do about it, where the host's own words leave that open. */
type Meaning = readonly [DriverErrorCode, string?];

const noLicence: Meaning = ['Unsupported', 'the licence does not allow it: look at the licence of the host, or of the vCenter'];
const noRoom: Meaning = ['Exhausted', 'free something there, or take another host or datastore'];
const unreachable: Meaning = ['Unavailable', 'vCenter does not reach the ESX host: look at its connection state'];

const meanings: Readonly<Record<string, Meaning>> = {
  // Who asks
  InvalidLogin: ['Denied', 'check "username" and "password" in the Secret, and whether the account is locked or expired'],
  NoPermission: ['Denied', 'give the user a role with that privilege on that object, or on one above it, propagated'],
  NotAuthenticated: ['Unavailable', 'the session has expired'],
  PasswordExpired: ['Denied', 'set a new password'],
  HostAccessRestrictedToManagementServer: ['Denied', 'lockdown mode is on: use a vpx: URI of its vCenter, or end lockdown mode'],
  RestrictedByAdministrator: ['Denied'],
  // What the product allows
  RestrictedVersion: [
    'Unsupported',
    'the free ESXi licence makes the API read-only: assign a paid licence, or manage the host by a vCenter',
  ],
  LicenseRestricted: noLicence,
  LicenseExpired: noLicence,
  ExpiredFeatureLicense: noLicence,
  ExpiredEditionLicense: noLicence,
  InvalidLicense: noLicence,
  NotEnoughLicenses: noLicence,
  VmLimitLicense: noLicence,
  NotEnoughCpus: ['Unsupported', 'the host has fewer processors than the machine asks for'],
  NotSupported: ['Unsupported'],
  NotImplemented: ['Unsupported'],
  MethodNotFound: ['Unsupported', 'this version of vSphere does not know the operation'],
  DeviceNotSupported: ['Unsupported'],
  DeviceUnsupportedForVmPlatform: ['Unsupported'],
  DeviceUnsupportedForVmVersion: ['Unsupported'],
  DiskNotSupported: ['Unsupported'],
  GuestIdNotSupported: ['Unsupported'],
  CpuHotPlugNotSupported: ['Unsupported'],
  MemoryHotPlugNotSupported: ['Unsupported'],
  ToolsUnavailable: ['Unsupported', 'VMware Tools do not run in the guest'],
  // What was asked
  InvalidArgument: ['Invalid'],
  InvalidName: ['Invalid'],
  InvalidDatastore: ['Invalid'],
  InvalidDatastorePath: ['Invalid'],
  InvalidProperty: ['Internal'],
  InvalidRequest: ['Internal'],
  InvalidController: ['Invalid'],
  InvalidDeviceSpec: ['Invalid'],
  InvalidDeviceBacking: ['Invalid'],
  InvalidDiskFormat: ['Invalid'],
  InvalidFormat: ['Invalid'],
  InvalidVmConfig: ['Invalid'],
  InvalidMacAddress: ['Invalid'],
  VmConfigFault: ['Invalid'],
  GenericVmConfigFault: ['Invalid'],
  MissingController: ['Invalid'],
  TooManyDevices: ['Invalid'],
  MemorySizeNotSupported: ['Invalid'],
  NumVirtualCpusNotSupported: ['Invalid'],
  UnsupportedGuest: ['Invalid'],
  UnsupportedDatastore: ['Unsupported'],
  FileNameTooLong: ['Invalid'],
  DatacenterMismatch: ['Invalid'],
  OutOfBounds: ['Invalid'],
  // What is there, or not
  ManagedObjectNotFound: ['NotFound'],
  NotFound: ['NotFound'],
  FileNotFound: ['NotFound'],
  NoDiskFound: ['NotFound'],
  DuplicateName: ['Conflict', 'another object in that folder has the name'],
  AlreadyExists: ['Conflict'],
  FileAlreadyExists: ['Conflict'],
  VmAlreadyExistsInDatacenter: ['Conflict'],
  MacAddressInUse: ['Conflict'],
  InvalidState: ['Conflict'],
  InvalidPowerState: ['Conflict'],
  InvalidVmState: ['Conflict'],
  InvalidHostState: ['Conflict', 'is the host connected, and not in maintenance mode?'],
  InvalidDatastoreState: ['Conflict', 'is the datastore accessible, and not in maintenance mode?'],
  ConcurrentAccess: ['Conflict', 'somebody else changed it in between'],
  RequestCanceled: ['Conflict', 'somebody cancelled the task'],
  // What is at it
  TaskInProgress: ['Busy', 'another task is under way'],
  VAppTaskInProgress: ['Busy', 'another task is under way'],
  MethodDisabled: ['Busy', 'vCenter has disabled it while something else, such as a backup, is at it'],
  ResourceInUse: ['Busy'],
  FileLocked: ['Busy', 'another machine, or another host, uses the file'],
  SnapshotLocked: ['Busy'],
  FailToLockFaultToleranceVMs: ['Busy'],
  // What is not reached
  HostCommunication: unreachable,
  HostNotConnected: unreachable,
  HostNotReachable: unreachable,
  HostConnectFault: unreachable,
  NetworkDisruptedAndConfigRolledBack: unreachable,
  InaccessibleDatastore: ['Unavailable', 'the host has lost the datastore: look at its storage'],
  CannotAccessFile: ['Unavailable', 'the host cannot open the file: is it there, and its datastore accessible?'],
  CannotAccessVmDisk: ['Unavailable', 'the host cannot open the disk: is it there, and its datastore accessible?'],
  CannotAccessNetwork: ['Unavailable', 'the host does not have the network'],
  DatastoreNotWritableOnHost: ['Denied', 'the host has the datastore mounted read-only'],
  FileNotWritable: ['Denied'],
  Timedout: ['TimedOut'],
  // What there is too little of
  NoDiskSpace: noRoom,
  InsufficientStorageSpace: noRoom,
  FileTooLarge: ['Exhausted', 'the datastore takes no file of that size'],
  InsufficientResourcesFault: noRoom,
  InsufficientCpuResourcesFault: noRoom,
  InsufficientMemoryResourcesFault: noRoom,
  InsufficientFailoverResourcesFault: ['Exhausted', 'admission control of the cluster keeps room for a failover'],
  InsufficientGraphicsResourcesFault: noRoom,
  InsufficientHostCapacityFault: noRoom,
  InsufficientHostCpuCapacityFault: noRoom,
  InsufficientHostMemoryCapacityFault: noRoom,
  InsufficientPerCpuCapacity: noRoom,
  InsufficientStandbyResource: noRoom,
  NoCompatibleDatastore: noRoom,
};

/** What a second try a moment later may well not meet: the host did nothing. */
const transient = [
  'TaskInProgress',
  'VAppTaskInProgress',
  'ConcurrentAccess',
  'HostCommunication',
  'NetworkDisruptedAndConfigRolledBack',
  'FailToLockFaultToleranceVMs',
];

/** The host's fault as a DriverError: its own sentence, then what to do about it. */
export function toDriverError(fault: VimFault): DriverError {
  const [code, advice] = meaningOf(fault);
  return new DriverError(code, advice === undefined ? fault.message : `${fault.message}: ${advice}`, { cause: fault });
}

/** A general fault may have one behind it that says more. */
function meaningOf(fault: VimFault): Meaning {
  const own = Object.hasOwn(meanings, fault.type) ? meanings[fault.type] : undefined;
  if (own !== undefined) return own;
  return fault.cause instanceof VimFault ? meaningOf(fault.cause) : ['Internal'];
}

/** The fault that stands behind an error, if one does. */
export function faultBehind(reason: unknown): VimFault | undefined {
  if (reason instanceof VimFault) return reason;
  return reason instanceof Error && reason.cause !== undefined ? faultBehind(reason.cause) : undefined;
}

export function isFault(reason: unknown, ...types: readonly string[]): boolean {
  return types.includes(faultBehind(reason)?.type ?? '');
}

export function isTransient(reason: unknown): boolean {
  return isFault(reason, ...transient);
}
