import type { Credentials } from './credentials.js';
import type { Driver } from './driver.js';

export { Credentials } from './credentials.js';

/** A host, and what lets us in. */
export interface Target {
  readonly uri: string;
  readonly credentials?: Credentials;
}

/** Rejects with a DriverError: Denied when the host does not know the credentials. Its message never quotes them. */
export type Connect = (target: Target, signal: AbortSignal) => Promise<Driver>;

/** What a driver reads in credentials. When both are empty, it takes none. */
export interface CredentialKeys {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

export const noCredentials: CredentialKeys = { required: [], optional: [] };

export interface Rehearsal {
  /** Every call that would have changed something, as `machines.define shop.web`. */
  readonly noted: (call: string) => void;
  /** The host itself, for as long as it is rehearsed with. */
  readonly reached?: (real: Driver) => void;
}

/** Connects to the host as it would be: it is read, and what is asked of it is done to what was read. */
export type Rehearsing = (connect: Connect, rehearsal: Rehearsal) => Connect;

/** The same of a host that is connected to. `noted` is told of every call that would have changed something. */
export type Rehearse = (real: Driver, noted: (call: string) => void, signal: AbortSignal) => Promise<Driver>;

/** The drivers, as far as who works with hosts has to know them. */
export interface Drivers {
  readonly connect: Connect;
  /** Of the driver that the URI means. */
  readonly credentialKeys: (uri: string) => CredentialKeys;
  /** Absent where nobody is told plans. */
  readonly rehearse?: Rehearse;
}

/** And a way to see what they would do. */
export interface RehearsedDrivers extends Drivers {
  readonly rehearsing: Rehearsing;
}
