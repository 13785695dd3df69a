import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, credentialKeys } from '#drivers/connect.js';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Credentials } from '#drivers/target.js';
import { Failure } from './complaint.js';

/** Of commands that speak with a host themselves: no API server is needed. */
export const hostFlags = {
  host: { kind: 'text', value: 'URI', help: 'the host, as spec.uri of a Hypervisor has it: qemu:///system' },
  credentials: {
    kind: 'text',
    value: 'DIR',
    help: 'a folder with a file for each key of the Secret that the host would have: ssh-privatekey, known_hosts',
  },
} as const;

export interface HostAsked {
  readonly host: string;
  readonly credentials?: string | undefined;
}

const patienceMs = 60_000;

/** Rejects with a Failure, which says what to do. */
export async function reachHost({ host, credentials }: HostAsked, signal: AbortSignal): Promise<Driver> {
  const given = credentials === undefined ? undefined : await readCredentials(host, credentials);
  const target = { uri: host, ...(given === undefined ? {} : { credentials: given }) };
  return connect(target, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])).catch((reason: unknown) => {
    throw new Failure(`the host is not reached: ${DriverError.from(reason).message}`);
  });
}

/** What a driver does not ask for is left where it is. */
async function readCredentials(uri: string, folder: string): Promise<Credentials> {
  const { required, optional } = credentialKeys(uri);
  const there = await readdir(folder).catch((reason: Error) => {
    throw new Failure(`--credentials: ${reason.message}`);
  });
  const missing = required.filter((key) => !there.includes(key));
  if (missing.length > 0) throw new Failure(`--credentials: ${folder} has no ${missing.join(', ')}`);
  const keys = [...required, ...optional].filter((key) => there.includes(key));
  return new Credentials(await Promise.all(keys.map(async (key) => [key, await readFile(join(folder, key))] as const)));
}
