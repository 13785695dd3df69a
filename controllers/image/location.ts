import { ImageError } from './error.js';
import { quoted } from './text.js';

const longestName = 200;

/** A URL for messages: without user, query string and fragment, which may carry secrets. */
export function nameOf(url: URL): string {
  const name = `${url.protocol}//${url.host}${url.pathname}`;
  return name.length > longestName ? `${name.slice(0, longestName)}…` : name;
}

/** Decodes where an image is. What cannot be decoded is not shown: it may be all secret. */
export function parseLocation(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw invalid('the URL cannot be parsed');
  const url = new URL(text, base?.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid(`the URL's scheme is ${quoted(url.protocol)}`);
  if (url.username !== '' || url.password !== '')
    throw invalid(`the URL of ${url.host} carries a user name or password, which would be shown to many`);
  return url;
}

function invalid(what: string): ImageError {
  return new ImageError('InvalidUrl', `${what}; http://host/path and https://host/path are accepted, without a user`);
}

/** The host as an address or a DNS name: IPv6 without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

const mostHops = 5;

/** Where a redirect leads, refused before anything is sent there when it must not be followed. */
export function followed(from: URL, location: string | undefined, hops: number): URL {
  if (location === undefined) throw new ImageError('BadResponse', `${nameOf(from)} redirects without saying where to`);
  if (hops >= mostHops)
    throw new ImageError('RedirectRefused', `${nameOf(from)} is redirect ${hops + 1}; at most ${mostHops} are followed`);
  const to = parseLocation(location, from);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new ImageError(
      'RedirectRefused',
      `${nameOf(from)} redirects from https to http, to ${nameOf(to)}; give a URL that stays with https`,
    );
  return to;
}
