import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Credentials } from '#drivers/target.js';

/** Who a simulated host lets in, by a password that has to be written with care. */
export const user = { name: 'Administrator', password: 'p ä"ss\\w0rd' };
export const credentials = new Credentials([
  ['username', Buffer.from(user.name)],
  ['password', Buffer.from(user.password)],
]);

/** For the drives of simulated hosts; gone with the test. */
export async function drivesFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}
