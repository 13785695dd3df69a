import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Samba, startSamba, withRights } from './samba.js';

/**
 * The drives of a simulated host, which are in that folder, by SMB, as Windows offers them to administrators: `d$`. Those that are there by now, and they keep rights as
 * NTFS does, unless `lines` of their sections say otherwise.
 * Rejects with AssetsMissing where there is no smbd.
 */
export async function servedDrives(
  folder: string,
  user: { readonly name: string; readonly password: string },
  lines: readonly string[] = withRights,
): Promise<Samba> {
  const letters = (await readdir(folder)).filter((name) => /^[a-z]$/i.test(name));
  const shares = letters.map((letter) => ({ name: `${letter.toLowerCase()}$`, folder: join(folder, letter), lines }));
  return startSamba({ shares, users: [user] });
}
