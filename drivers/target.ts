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

/** The drivers, as far as who works with hosts has to know them. */
export interface Drivers {
  readonly connect: Connect;
  /** Of the driver that the URI means. */
  readonly credentialKeys: (uri: string) => CredentialKeys;
}
