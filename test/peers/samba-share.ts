import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { SmbClient, type SmbLogin } from '#drivers/hyperv/smb/client.js';
import { skipWhereMissing } from './build.js';
import { type SambaOptions, type SambaShare, startSamba } from './samba.js';

export const administrator: SmbLogin = { domain: '', username: 'Administrator', password: 'secret' };
export const soon = () => AbortSignal.timeout(60_000);

/** Samba with a share `c$` of a folder of its own, and ways to it. All ends with the test. */
export async function served(
  t: Test,
  lines: readonly string[] = [],
  share: Partial<SambaShare> = {},
  users: SambaOptions['users'] = [{ name: 'Administrator', password: 'secret' }],
) {
  const folder = await mkdtemp(join(tmpdir(), 'vw-share-'));
  const shares = [{ name: 'c$', folder, ...share }];
  const samba = await startSamba({ shares, users, lines }).catch((reason) => skipWhereMissing(t, reason));
  t.teardown(async () => {
    await samba[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const connect = async (login: Partial<SmbLogin> = {}, port = samba.port) => {
    const client = await SmbClient.connect({ host: '127.0.0.1', port }, { ...administrator, ...login }, soon());
    t.teardown(() => client[Symbol.asyncDispose]());
    return client;
  };
  return { samba, folder, connect, share: async () => (await connect()).share('c$', soon()) };
}
