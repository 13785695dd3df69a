import type { IncomingMessage } from 'node:http';
import { Body, tooLarge } from './body.js';
import { ImageError, type ImageErrorCode } from './error.js';
import { followed, nameOf, parseLocation } from './location.js';
import type { RemoteImage } from './remote.js';
import { get } from './request.js';
import type { Resolver } from './resolve.js';
import { quoted } from './text.js';

export interface FetchOptions {
  /** CIDRs that may be fetched from besides public addresses. */
  readonly granted: readonly string[];
  readonly maxBytes: number;
  /** For each hop to be answered, in milliseconds; 30 s when absent. */
  readonly answerMs?: number;
  /** For each further 64 KiB of the body, in milliseconds; 60 s when absent. Waiting for the taker does not count. */
  readonly idleMs?: number;
  /** Certificate authorities in PEM, in place of the usual ones. */
  readonly ca?: string;
  /** How names become addresses; as everywhere on this machine when absent. */
  readonly resolve?: Resolver;
  /** The first bytes are there already, of what the server calls by this validator: as long as that is so, only the rest is asked for. */
  readonly from?: From;
}

export interface From {
  readonly offset: number;
  readonly validator: string;
}

/** Asks for an image and resolves with the head of the answer; rejects with an ImageError, as reading the image does. */
export async function openImage(url: string, options: FetchOptions, signal: AbortSignal): Promise<RemoteImage> {
  const [found, response] = await arrive(parseLocation(url), options, signal);
  try {
    return remoteImage(nameOf(found), response, options, signal);
  } catch (reason) {
    response.destroy();
    throw reason;
  }
}

async function arrive(start: URL, options: FetchOptions, signal: AbortSignal): Promise<readonly [URL, IncomingMessage]> {
  let url = start;
  for (let hops = 0; ; hops++) {
    const response = await get(url, { answerMs: 30_000, ...options }, signal);
    if (!redirects.has(response.statusCode ?? 0)) return [url, response];
    response.destroy();
    url = followed(url, response.headers.location, hops);
  }
}

const redirects = new Set([301, 302, 303, 307, 308]);

function remoteImage(name: string, response: IncomingMessage, options: FetchOptions, signal: AbortSignal): RemoteImage {
  const part = partOf(name, response, options.from);
  if (part === undefined) checkStatus(name, response.statusCode ?? 0);
  checkEncoding(name, response);
  const length = response.headers['content-length'];
  const bytes = part?.bytes ?? (length === undefined ? undefined : Number(length));
  if (bytes !== undefined && bytes > options.maxBytes) throw tooLarge(name, options.maxBytes, bytes);
  const offset = part?.offset ?? 0;
  const body = new Body(response, name, { maxBytes: options.maxBytes - offset, idleMs: options.idleMs ?? 60_000 }, signal);
  const validator = validatorOf(response);
  return {
    name,
    offset,
    ...(validator === undefined ? {} : { validator }),
    ...(bytes === undefined ? {} : { bytes }),
    endKnown: bytes !== undefined || response.headers['transfer-encoding'] !== undefined,
    head: (wanted) => body.head(wanted),
    content: { [Symbol.asyncIterator]: () => body.content() },
    [Symbol.asyncDispose]: () => body[Symbol.asyncDispose](),
  };
}

/** Of an answer that is the rest of the image: where it begins, and how long the whole is. */
function partOf(name: string, { statusCode, headers }: IncomingMessage, from: From | undefined) {
  if (from === undefined || statusCode !== 206) return undefined;
  const [, first, last, bytes] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  if (Number(first) === from.offset && Number(last) + 1 === Number(bytes)) return { offset: from.offset, bytes: Number(bytes) };
  const given = quoted(headers['content-range'] ?? 'no range');
  throw new ImageError('BadResponse', `${name}: the server gives ${given}, asked was what comes from byte ${from.offset} on`);
}

/** One that stands for these very bytes (RFC 9110, 8.8): a weak one stands for others, too. */
function validatorOf({ headers }: IncomingMessage): string | undefined {
  return headers.etag?.startsWith('"') === true ? headers.etag : headers['last-modified'];
}

const unhappy: Readonly<Record<number, readonly [ImageErrorCode, string]>> = {
  401: ['Denied', 'it asks for credentials; give a URL that needs none'],
  403: ['Denied', 'it is forbidden; make it readable, or renew a signed URL that has expired'],
  404: ['NotFound', 'it is not there; correct the URL, or publish it: it is tried again'],
  407: ['Denied', 'a proxy asks for credentials'],
  408: ['Unavailable', 'the server timed out; it is tried again'],
  410: ['Denied', 'it is gone for good; give another URL'],
  425: ['Unavailable', 'it is too early; it is tried again'],
  429: ['Unavailable', 'the server is asked too often; it is tried again'],
};

function checkStatus(name: string, status: number): void {
  if (status === 200) return;
  const other: readonly [ImageErrorCode, string] =
    status >= 500
      ? ['Unavailable', 'the server failed; it is tried again']
      : ['BadResponse', '200 is accepted; give the URL of the image itself'];
  const [code, words] = unhappy[status] ?? other;
  throw new ImageError(code, `${name}: HTTP ${status}: ${words}`);
}

function checkEncoding(name: string, { headers }: IncomingMessage): void {
  const content = headers['content-encoding'] ?? 'identity';
  const transfer = headers['transfer-encoding'] ?? 'chunked';
  if (content.toLowerCase() === 'identity' && transfer.toLowerCase() === 'chunked') return;
  const found = quoted(transfer.toLowerCase() === 'chunked' ? content : transfer);
  throw new ImageError(
    'BadResponse',
    `${name}: the server encodes the image as ${found}; only plain bytes are accepted: turn that off for images`,
  );
}
