import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

export interface Identity extends AsyncDisposable {
  /** What Leases are held as. */
  readonly name: string;
}

/**
 * Who this process is: never who another one that lives is. Where the kernel proves that nobody else does the same work here, it is who an
 * earlier process was, and so has that one's Leases at once; else it is somebody new, who waits until they run out. Until disposed.
 */
export async function claimIdentity(name: string, work: readonly string[]): Promise<Identity> {
  const place = await placeOf().catch(() => undefined);
  const here = place === undefined ? undefined : digest([place, name, ...work]);
  const proof = here === undefined ? undefined : await hold(here);
  return {
    name: `${name}_${proof === undefined ? randomBytes(8).toString('hex') : here}`,
    async [Symbol.asyncDispose]() {
      proof?.close();
    },
  };
}

/** This boot of this machine, and the network namespace in it, which a container has of its own: in one place, a name is held once. */
async function placeOf(): Promise<string> {
  const [boot, network] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readlink('/proc/self/ns/net')]);
  return `${boot.trim()} ${network}`;
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);

/** An abstract socket (unix(7)) leaves no file, and is free as soon as its process is dead, whatever killed it. Undefined when another has it. */
async function hold(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen(`\0virtwright/${name}`);
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}
