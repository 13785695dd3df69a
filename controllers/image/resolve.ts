import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { allowed, classify } from './addresses.js';
import { ImageError } from './error.js';
import { hostOf, nameOf } from './location.js';

/** All addresses of a host name. */
export type Resolver = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** As every other program on this machine resolves names, its hosts file included. */
export const systemResolver: Resolver = async (name, signal) => {
  const found = await unlessAborted(lookup(name, { all: true }), signal);
  return found.map(({ address }) => address);
};

/** Where the URL's host is. Refused as a whole when one of its addresses is, since any of them may be connected to. */
export async function checkedAddresses(
  url: URL,
  granted: readonly string[],
  resolve: Resolver,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = hostOf(url);
  const addresses = isIP(host) === 0 ? await resolved(url, resolve, signal) : [host];
  const refused = addresses.find((address) => !allowed(address, granted));
  if (refused !== undefined) throw addressRefused(url, refused, granted);
  return addresses;
}

async function resolved(url: URL, resolve: Resolver, signal: AbortSignal): Promise<readonly string[]> {
  const addresses = await resolve(hostOf(url), signal);
  if (addresses.length > 0) return addresses;
  throw new ImageError('Unavailable', `${nameOf(url)}: its host name has no address`);
}

function addressRefused(url: URL, address: string, granted: readonly string[]): ImageError {
  const accepted =
    granted.length === 0 ? 'public addresses are accepted' : `public addresses are accepted, and those granted: ${granted.join(', ')}`;
  return new ImageError(
    'AddressRefused',
    `${nameOf(url)} is at ${address}, which is not public (${classify(address) ?? 'no address'}); ${accepted}; ask an administrator to grant it`,
  );
}

/** Name look-ups cannot be cancelled, only no longer waited for. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
