import type { Header } from './tar-header.js';

export type PaxWords = Partial<Pick<Header, 'kind' | 'path' | 'target' | 'uid' | 'gid' | 'sizeBytes' | 'modified'>> & {
  readonly attribute?: string;
};

/** As tar of GNU, of BSD and star write them. Labels are the host's affair: each makes its own. */
const attributes = /^(?:SCHILY\.(?:xattr|acl)|LIBARCHIVE\.xattr)\.(.+)$/;
const isLabel = (attribute: string): boolean => /^security\.(?:selinux|SMACK64|ima|evm)/.test(attribute);

/** Records as `27 path=some/long/name\n`, each with its own length. Undefined when they are none. */
export function readPax(bytes: Buffer): PaxWords | undefined {
  const words: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, blank)));
    if (!Number.isSafeInteger(length) || length <= blank - at || at + length > bytes.length || bytes[at + length - 1] !== 0x0a)
      return undefined;
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(bytes.toString('utf8', blank + 1, at + length - 1)) ?? [];
    words[name] = value;
    at += length;
  }
  const numbers = {
    uid: numberIn(words['uid']),
    gid: numberIn(words['gid']),
    sizeBytes: numberIn(words['size']),
    modified: numberIn(words['mtime']),
  };
  const texts = { path: words['path'], target: words['linkpath'] };
  // What holds the map of a sparse file, or names in another script, would come out as something else.
  const strange = Object.keys(words).some((name) => name.startsWith('GNU.sparse.') || name === 'hdrcharset');
  const kind = strange ? 'unknown' : undefined;
  const attribute = Object.keys(words)
    .flatMap((name) => attributes.exec(name)?.[1] ?? [])
    .find((name) => !isLabel(name));
  return Object.fromEntries(
    Object.entries({ ...numbers, ...texts, kind, attribute }).filter(([, value]) => value !== undefined),
  ) as PaxWords;
}

const numberIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Math.floor(Number(text)) : undefined;
