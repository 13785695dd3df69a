import { type KnownBy, knownBy, required } from '#drivers/https/trust-keys.js';
import { Credentials } from '#drivers/target.js';

/** How we log in, and how we know the host. */
export interface Login extends KnownBy {
  readonly username: string;
  readonly password: string;
}

/**
 * Reads `username`, `password`, and `ca.crt` or `sha256`; what else a Secret holds is none of ours.
 * @throws DriverError Denied or Invalid, naming the key and never its value
 */
export function decodeCredentials(secret: Credentials = new Credentials([])): Login {
  return { username: required(secret, 'username'), password: required(secret, 'password'), ...knownBy(secret) };
}
