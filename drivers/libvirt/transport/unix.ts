import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { connectServer } from './server.js';
import type { Transport } from './transport.js';

/**
 * The first of `paths` where a daemon answers. That a socket is there proves nothing: one that was replaced by split daemons may have left
 * its own behind.
 */
export function unixTransport(paths: readonly [string, ...string[]]): Transport {
  return {
    peer: paths[0],
    isLocal: true,
    connect: (signal) => connectFirst(paths, signal),
    reach: (place, signal) => connectServer(place.kind === 'port' ? { host: place.host, port: place.port } : { path: place.path }, signal),
  };
}

/** Of several sockets that are there, the first that is not deserted. Where all are, or none is there, the likeliest is told. */
async function connectFirst(paths: readonly [string, ...string[]], signal: AbortSignal): Promise<Socket> {
  const [first = paths[0], ...others] = paths.filter((path) => existsSync(path));
  let deserted: unknown;
  for (const path of [first, ...others])
    try {
      return await connectUnix(path, signal);
    } catch (reason) {
      if (!isDeserted(reason)) throw reason;
      deserted ??= reason;
    }
  throw deserted;
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

/** A socket that nobody listens on, and no other trouble. */
const isDeserted = (reason: unknown): boolean => reason instanceof DriverError && codeOf(reason.cause) === 'ECONNREFUSED';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function explain(path: string, error: unknown): DriverError {
  const [meaning, words] = explanations[codeOf(error)] ?? ['Unavailable', () => `${path}: ${String(error)}`];
  return new DriverError(meaning, words(path), { cause: error });
}
