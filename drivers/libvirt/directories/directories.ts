import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { firstUserBeside, usersOfMap } from '../dialects/container/uid-map.js';
import { extractTar } from './extract.js';
import { emptyDirectory } from './removal.js';

const run = promisify(execFile);

/**
 * What is in directory volumes. libvirt makes one and removes an empty one, and has no word for what is in it: that is done here, where the
 * host's files are ours as well.
 */
export const directories = {
  /** In place of what was there. `archive` is a tar. */
  async fill(location: string, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const first = await ownersFirst(location);
    await withReason(location, async () => {
      await emptyDirectory(location, signal);
      await extractTar(archive, location, { first, count: usersOfMap });
      // A volume is said to be whole by others than this host: its files must outlive it.
      await run('sync', ['--file-system', location]);
    });
  },

  async empty(location: string, signal: AbortSignal): Promise<void> {
    await ownersFirst(location);
    await withReason(location, () => emptyDirectory(location, signal));
  },
};

/**
 * The first user of the map by which it is owned; whoever was in it may have given it to another user of theirs. A folder of the same name on
 * another host is not the volume: the host's daemon gave its own one an owner.
 */
async function ownersFirst(location: string): Promise<number> {
  const found = await lstat(location).catch(() => undefined);
  const first = found?.isDirectory() === true ? firstUserBeside(found.uid) : undefined;
  if (first !== undefined) return first;
  throw new DriverError(
    'Unsupported',
    `directory ${location} is not seen from here as the host made it: directories are filled and emptied by an agent that runs on the host itself, as root, and sees its pools`,
  );
}

const codes: Readonly<Record<string, DriverErrorCode>> = {
  ENOSPC: 'Exhausted',
  EDQUOT: 'Exhausted',
  EPERM: 'Denied',
  EACCES: 'Denied',
  EROFS: 'Denied',
};

async function withReason(location: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    const code = codes[(reason as NodeJS.ErrnoException).code ?? ''];
    if (code === undefined) throw DriverError.from(reason);
    throw new DriverError(code, `directory ${location}: ${(reason as Error).message}`, { cause: reason });
  }
}
