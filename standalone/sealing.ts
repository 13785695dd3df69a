import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { writePrivate } from './private-file.js';
import type { Disk } from './store/disk.js';
import { keyBytes, Vault } from './store/vault.js';

/** Where the key lies that Secrets are sealed with, and what is to be done about it. */
export interface Sealing {
  /** A file of its own, which may lie apart from the data: made when it is not there and nothing was sealed yet. */
  readonly path: string;
  /** Make a new key, and seal everything with that. */
  readonly renew: boolean;
  /** Go on without the Secrets that no key opens. They are gone then. */
  readonly dropUnreadable: boolean;
}

/**
 * Keys in the file stand one after another, the newest first: that one seals, all of them open. So whatever a renewal is interrupted by, the next
 * start finds all the keys that it needs, and ends it.
 */
export async function openVault({ path, renew }: Sealing): Promise<Vault> {
  const known = await readKeys(path);
  const isNew = known.length === 0;
  const vault = new Vault(isNew || renew ? [randomBytes(keyBytes), ...known] : known);
  if (renew && !isNew) await writeKeys(path, vault);
  return vault;
}

/** Once all is read from the disk. @throws Error when a Secret cannot be opened, with what to do */
export async function settleVault(vault: Vault, disk: Disk, { path, dropUnreadable }: Sealing): Promise<void> {
  const [lost] = disk.unreadable;
  if (lost !== undefined && !dropUnreadable)
    throw new Error(
      `${disk.unreadable.length} Secrets, ${lost.namespace}/${lost.name} the first, cannot be opened with the key in ${path}: they were sealed with another one, or altered. ` +
        'Put that key back; or start once with --drop-secrets, which deletes the Secrets that cannot be opened',
    );
  await disk.dropUnreadable();
  if (vault.keys.length > 1) await disk.sealAnew();
  vault.forgetOld();
  if (!isSame(await readKeys(path), vault.keys)) await writeKeys(path, vault);
}

async function readKeys(path: string): Promise<readonly Uint8Array[]> {
  const bytes = await readFile(path).catch((reason: unknown) => {
    if (reason instanceof Error && 'code' in reason && reason.code === 'ENOENT') return Buffer.alloc(0);
    throw reason;
  });
  if (bytes.length === 0) return [];
  if (((await stat(path)).mode & 0o007) !== 0)
    throw new Error(`the sealing key ${path} can be read by everybody: chmod 600 it, and renew it if somebody may have`);
  if (bytes.length % keyBytes !== 0)
    throw new Error(`the sealing key ${path} has ${bytes.length} bytes; accepted: ${keyBytes}, or a multiple of it`);
  return Array.from({ length: bytes.length / keyBytes }, (_, at) => bytes.subarray(at * keyBytes, (at + 1) * keyBytes));
}

const writeKeys = (path: string, { keys }: Vault): Promise<void> => writePrivate(path, Buffer.concat(keys));

const isSame = (some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean => Buffer.concat(some).equals(Buffer.concat(others));
