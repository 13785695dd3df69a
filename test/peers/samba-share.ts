import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { SmbClient, type SmbLogin } from '#drivers/hyperv/smb/client.js';
import { skipWhereMissing } from './build.js';
import { type Samba, type SambaOptions, type SambaShare, startSamba } from './samba.js';

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

/** Who may open a file of the share `c$`, as Samba's own client is told. */
export async function rightsOf({ configuration, port }: Samba, path: string, share = 'c$') {
  const login = ['-s', configuration, '-p', `${port}`, '-U', 'Administrator%secret', `//127.0.0.1/${share}`];
  const { stdout } = await promisify(execFile)('smbclient', [...login, '-c', `showacls; ls "${path}"`]);
  const entries = [...stdout.matchAll(/type: (.+?) \(\d+\) flags: 0x(\w+)[\s\S]*?Permissions: (0x\w+):[\s\S]*?SID: (S-[\d-]+)/g)];
  return {
    isProtected: /SEC_DESC_DACL_PROTECTED/.test(stdout),
    entries: entries.map(
      ([, type, flags, rights, who]) => `${type === 'ACCESS ALLOWED' && flags === '00' ? '' : `${type} ${flags} `}${who} ${rights}`,
    ),
  };
}
