import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { connectServer } from './server.js';
import type { Transport } from './transport.js';

/** The first of `paths` where a socket is, else the first. */
export function unixTransport(paths: readonly [string, ...string[]]): Transport {
  return {
    peer: paths[0],
    isLocal: true,
    connect: (signal) => connectUnix(paths.find((path) => existsSync(path)) ?? paths[0], signal),
    reach: (place, signal) => connectServer(place.kind === 'port' ? { host: place.host, port: place.port } : { path: place.path }, signal),
  };
}

async function connectUnix(path: string, signal: AbortSignal): Promise<Socket> {
  try {
    return await connectServer({ path }, signal);
  } catch (error) {
    throw signal.aborted ? DriverError.from(signal.reason) : explain(path, error);
  }
}

type Explanation = readonly [DriverErrorCode, (path: string) => string];

const notListening: Explanation = ['Unavailable', (path) => `no libvirt daemon listens on ${path}: start libvirtd`];
const notAllowed: Explanation = [
  'Denied',
  (path) => `${path} may not be opened by this user: run as root, or join the group that owns it (unix_sock_group in libvirtd.conf)`,
];
const explanations: Readonly<Record<string, Explanation>> = {
  ENOENT: notListening,
  ECONNREFUSED: notListening,
  ENOTSOCK: ['Unavailable', (path) => `${path} is no socket`],
  EACCES: notAllowed,
  EPERM: notAllowed,
};

function explain(path: string, error: unknown): DriverError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [meaning, words] = explanations[code] ?? ['Unavailable', () => `${path}: ${String(error)}`];
  return new DriverError(meaning, words(path), { cause: error });
}
