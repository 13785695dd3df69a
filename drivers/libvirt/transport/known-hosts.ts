import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Endpoint } from './transport.js';

/** One line of a known_hosts file (sshd(8)): which hosts, and the key that they have. */
interface Line {
  readonly isRevoked: boolean;
  readonly hosts: string;
  /** As the key itself says it, e.g. `ssh-ed25519`. */
  readonly type: string;
  readonly key: Buffer;
}

export type Standing = 'known' | 'unknown' | 'changed' | 'revoked';

/** Whose keys are known. Authorities (`@cert-authority`) are passed over: certificates of hosts are not spoken of. */
export class KnownHosts {
  readonly #lines: readonly Line[];

  constructor(text: string) {
    this.#lines = text.split('\n').flatMap(readLine);
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Of the keys that are known of this host, which are to be asked for first. */
  typesOf(host: Endpoint): readonly string[] {
    return this.#of(host).map(({ type }) => type);
  }

  standing(host: Endpoint, key: Buffer): Standing {
    const lines = this.#of(host);
    const found = lines.filter((line) => line.key.equals(key));
    if (found.some(({ isRevoked }) => isRevoked)) return 'revoked';
    if (found.length > 0) return 'known';
    return lines.some(({ isRevoked }) => !isRevoked) ? 'changed' : 'unknown';
  }

  #of(host: Endpoint): readonly Line[] {
    return this.#lines.filter(({ hosts }) => matches(hosts, host));
  }
}

function readLine(line: string): readonly Line[] {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [hosts, type, key] = words;
  if (hosts === undefined || hosts.startsWith('#') || type === undefined || key === undefined) return [];
  const known = { hosts, type, key: Buffer.from(key, 'base64') };
  if (marker === undefined) return [{ isRevoked: false, ...known }];
  return marker === '@revoked' ? [{ isRevoked: true, ...known }] : [];
}

const usualPort = 22;

/** A host on another port than SSH's own is called `[host]:port`. */
function matches(hosts: string, { host, port }: Endpoint): boolean {
  const name = (port === usualPort ? host : `[${host}]:${port}`).toLowerCase();
  if (hosts.startsWith('|1|')) return matchesHash(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const [nots, plain] = [patterns.filter((each) => each.startsWith('!')), patterns.filter((each) => !each.startsWith('!'))];
  return plain.some((each) => like(each, name)) && !nots.some((each) => like(each.slice(1), name));
}

function matchesHash(hosts: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hosts.split('|');
  const [made, given] = [createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest(), Buffer.from(hash, 'base64')];
  return made.length === given.length && timingSafeEqual(made, given);
}

/** With `*` for any text and `?` for any character. */
function like(pattern: string, name: string): boolean {
  const parts = pattern.split(/[*]+/).map((part) => part.replace(/[^a-z0-9?]/g, '\\$&').replaceAll('?', '.'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
