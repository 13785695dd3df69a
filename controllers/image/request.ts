import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { systemClock, within } from '../kubernetes/clock.js';
import { ImageError } from './error.js';
import { hostOf, nameOf } from './location.js';
import { checkedAddresses, type Resolver, systemResolver } from './resolve.js';
import { transportError } from './transport.js';

export interface RequestOptions {
  /** CIDRs that may be fetched from besides public addresses. */
  readonly granted: readonly string[];
  /** Time for one hop to be resolved, and again for it to be connected and answered, in milliseconds. */
  readonly answerMs: number;
  /** Certificate authorities in PEM, in place of the usual ones. */
  readonly ca?: string;
  readonly resolve?: Resolver;
  /** Asks for what comes from a byte on, as long as the validator still holds. */
  readonly from?: { readonly offset: number; readonly validator: string };
}

/** One GET, to addresses that were checked; redirects are not followed. Settles with the answer's head; destroy its body when done. */
export async function get(url: URL, options: RequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    const addresses = await within(systemClock, options.answerMs, signal, (limited) =>
      checkedAddresses(url, options.granted, options.resolve ?? systemResolver, limited),
    );
    signal.throwIfAborted();
    return await answered(url, addresses, options, signal);
  } catch (reason) {
    throw transportError(reason, nameOf(url), signal);
  }
}

function answered(url: URL, addresses: readonly string[], options: RequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = send(url, addresses, options, signal);
    const late = new ImageError('TimedOut', `${nameOf(url)}: no answer within ${options.answerMs / 1000} s; it is tried again`);
    const timer = setTimeout(() => request.destroy(late), options.answerMs);
    request.on('error', reject);
    request.once('close', () => {
      clearTimeout(timer);
      reject(new ImageError('Unavailable', `${nameOf(url)}: the connection ended without an answer; it is tried again`)); // an upgrade ends so
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      response.on('error', () => {}); // whoever reads the body meets it there; nobody may be reading yet
      resolve(response);
    });
    request.end();
  });
}

function send(url: URL, addresses: readonly string[], options: RequestOptions, signal: AbortSignal): http.ClientRequest {
  return (url.protocol === 'https:' ? https : http).request({
    protocol: url.protocol,
    hostname: hostOf(url),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, 'user-agent': 'virtwright', accept: '*/*', 'accept-encoding': 'identity', ...rangeOf(options) },
    agent: false, // a connection of its own: a shared one may lead to an address that is no longer right
    lookup: pinned(addresses),
    rejectUnauthorized: true, // said, because the environment can change the default
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    signal,
  });
}

const rangeOf = ({ from }: RequestOptions): Readonly<Record<string, string>> =>
  from === undefined ? {} : { range: `bytes=${from.offset}-`, 'if-range': from.validator };

/** Answers the connection's look-up with what was checked, so that no second look-up can say something else. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  const [first] = all;
  return (_name, options, callback) => {
    if (options.all) callback(null, all);
    else callback(null, first?.address ?? '', first?.family);
  };
}
