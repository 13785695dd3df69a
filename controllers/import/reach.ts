import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type CredentialKeys, Credentials, type Drivers, type Target } from '#drivers/target.js';

export interface HostAsked {
  readonly host: string;
  /** A folder with a file for each key of the Secret that the host would have. */
  readonly credentials?: string | undefined;
}

const patienceMs = 60_000;

/** Rejects with a DriverError. */
export async function reachHost({ host, credentials }: HostAsked, drivers: Drivers, signal: AbortSignal): Promise<Driver> {
  const target: Target = {
    uri: host,
    ...(credentials === undefined ? {} : { credentials: await readCredentials(drivers.credentialKeys(host), credentials) }),
  };
  return drivers.connect(target, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]));
}

/** What a driver does not ask for is left where it is. */
async function readCredentials({ required, optional }: CredentialKeys, folder: string): Promise<Credentials> {
  const there = await readdir(folder).catch((reason: Error) => {
    throw new DriverError('Invalid', `credentials: ${reason.message}`);
  });
  const missing = required.filter((key) => !there.includes(key));
  if (missing.length > 0) throw new DriverError('Invalid', `credentials: ${folder} has no ${missing.join(', ')}`);
  const keys = [...required, ...optional].filter((key) => there.includes(key));
  return new Credentials(await Promise.all(keys.map(async (key) => [key, await readFile(join(folder, key))] as const)));
}
