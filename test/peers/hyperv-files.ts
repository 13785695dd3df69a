import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Samba, startSamba } from './samba.js';

/**
 * The drives of a simulated host, which are in that folder, by SMB, as Windows offers them to administrators: `d$`. Those that are there by now.
 * Rejects with AssetsMissing where there is no smbd.
 */
export async function servedDrives(folder: string, user: { readonly name: string; readonly password: string }): Promise<Samba> {
  const letters = (await readdir(folder)).filter((name) => /^[a-z]$/i.test(name));
  const shares = letters.map((letter) => ({ name: `${letter.toLowerCase()}$`, folder: join(folder, letter) }));
  return startSamba({ shares, users: [user] });
}
