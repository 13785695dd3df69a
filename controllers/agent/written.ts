import { buffer } from 'node:stream/consumers';
import type { Machine, PoolId, VolumeId, Volumes } from '#drivers/driver.js';
import type { HostView } from '../host/view.js';
import type { Written } from '../session/history.js';

/** Of a console: enough for a boot's messages, and soon sent. */
const mostBytes = 512 * 1024;

/** Where the host keeps what a running machine printed; undefined where it keeps nothing. */
export function logOf({ live }: Machine, view: HostView): VolumeId | undefined {
  const location = live?.serialLog;
  if (location === undefined) return undefined;
  const slash = location.lastIndexOf('/');
  const pool = view.pools.find(({ path, active }) => active && path === location.slice(0, slash));
  return pool === undefined ? undefined : { pool: pool.id, nativeName: location.slice(slash + 1) };
}

/** What cannot be read is as if it had not been written: the console itself is there all the same. */
export function writtenIn(volumes: Volumes, id: VolumeId): Written {
  let end = 0;
  const read = async (offset: number, signal: AbortSignal) => {
    const bytes = await buffer(volumes.download(id, { offset, length: mostBytes * 2 }, signal));
    end = offset + bytes.length;
    return bytes;
  };
  const nothing = () => new Uint8Array();
  return {
    async past(signal) {
      const size = await sizeOf(volumes, id, signal).catch(() => 0);
      return read(Math.max(0, size - mostBytes), signal).catch(nothing);
    },
    since: (signal) => read(end, signal).catch(nothing),
  };
}

/** The host sees what it has written itself only when it looks; a store that is at work cannot be looked at, and may know it already. */
async function sizeOf(volumes: Volumes, { pool, nativeName }: VolumeId, signal: AbortSignal): Promise<number> {
  const found = await listed(volumes, pool, signal);
  return found.find(({ id }) => id.nativeName === nativeName)?.sizeBytes ?? 0;
}

const listed = (volumes: Volumes, pool: PoolId, signal: AbortSignal) =>
  volumes.list(pool, { refresh: true }, signal).catch(() => volumes.list(pool, { refresh: false }, signal));
