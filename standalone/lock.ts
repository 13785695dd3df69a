import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

/**
 * Keeps another server from the same folder, until it is disposed. An abstract socket (unix(7)) leaves no file, and is free as soon as its process is
 * dead, whatever killed it; it is seen within one network namespace.
 * @throws Error when another one has it
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const { dev, ino } = await stat(folder);
  const lock = createServer((socket) => socket.destroy()).unref();
  lock.listen(`\0virtwright/standalone/${dev}:${ino}`);
  await once(lock, 'listening').catch((reason: unknown) => {
    if (reason instanceof Error && 'code' in reason && reason.code === 'EADDRINUSE')
      throw new Error(`${folder} is in use by another virtwright standalone; stop that one, or give another folder by --data`);
    throw reason;
  });
  return { [Symbol.asyncDispose]: () => closed(lock) };
}

async function closed(lock: Server): Promise<void> {
  const gone = once(lock, 'close');
  lock.close();
  await gone;
}
