import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { startApiServer } from '#test/cluster/api-server.js';
import { endChild, startChild } from '#test/cluster/process.js';

/**
 * The part of the demo that stays: an API server, the guest's files over http on loopback, and the operator, started again whenever it ends.
 * Writes `kubeconfig` into the state folder once the API server answers. SIGTERM ends it; its children end with it, however it ends.
 */
const [stateFolder, guestFolder, port, ...operator] = process.argv.slice(2);
if (stateFolder === undefined || guestFolder === undefined || port === undefined || operator.length === 0) {
  throw new Error('usage: node keeper.js STATE-FOLDER GUEST-FOLDER PORT OPERATOR-ARGUMENT...');
}
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
process.once('SIGINT', () => ending.abort());

await using images = await serveFiles(guestFolder, ['vmlinuz', 'initrd'], Number(port));
await using apiServer = await startApiServer();
const kubeconfig = join(stateFolder, 'kubeconfig');
await publish(apiServer.kubeconfigPath, kubeconfig);
await keepRunning([...operator, '--kubeconfig', kubeconfig], join(stateFolder, 'operator.log'), ending.signal);
await rm(kubeconfig, { force: true });
console.log(`stopped serving ${images.url} and ${apiServer.url}`);

interface FileServer extends AsyncDisposable {
  readonly url: string;
}

async function serveFiles(folder: string, names: readonly string[], port: number): Promise<FileServer> {
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '');
    if (names.includes(name)) sendFile(join(folder, name), response);
    else response.writeHead(404).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => close(server) };
}

function sendFile(path: string, response: ServerResponse): void {
  pipeline(createReadStream(path), response).catch((error: Error) => console.log(`${path}: ${error.message}`));
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

/** Whoever waits for the file never reads half of it. */
async function publish(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.new`);
  await rename(`${to}.new`, to);
}

async function keepRunning(args: readonly string[], logFile: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const child = startChild(process.execPath, args, logFile);
    const stop = (): void => void endChild(child, 'SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    await once(child, 'exit');
    signal.removeEventListener('abort', stop);
    await delay(2_000, undefined, { signal }).catch(() => {});
  }
}
