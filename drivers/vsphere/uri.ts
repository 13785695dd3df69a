import { DriverError } from '#drivers/error.js';

/** An ESX host, or a part of a vCenter's inventory. */
export interface VsphereUri {
  readonly kind: 'esx' | 'vcenter';
  /** Name or address; one of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** From the inventory's root to a cluster or host, e.g. `['DC0', 'DC0_C0']`. Empty for an ESX host, which is all there is. */
  readonly path: readonly string[];
}

const kinds = { 'esx:': 'esx', 'vpx:': 'vcenter' } as const;

const accepted = 'esx://host[:port], vpx://vcenter[:port]/Datacenter/Cluster[/host]';

/** @throws DriverError Invalid, which never quotes a password */
export function parseVsphereUri(text: string): VsphereUri {
  const url = URL.canParse(text) ? new URL(text) : refuse(text, 'it is no URI');
  const kind = Object.hasOwn(kinds, url.protocol) ? kinds[url.protocol as keyof typeof kinds] : refuse(text, 'scheme is not known');
  if (url.username !== '' || url.password !== '') refuse(text, 'user and password stand in the Secret, not here');
  if (url.searchParams.has('no_verify'))
    refuse(text, 'TLS is always verified; the Secret may hold "ca.crt", or "sha256" of the certificate');
  if (url.search !== '' || url.hash !== '') refuse(text, 'nothing may follow the path');
  if (url.hostname === '') refuse(text, 'the host is missing');
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 443 : Number(url.port),
    path: pathOf(text, kind, url),
  };
}

function pathOf(text: string, kind: VsphereUri['kind'], url: URL): readonly string[] {
  const path = url.pathname.split('/').filter((name) => name !== '');
  if (kind === 'esx' && path.length > 0) refuse(text, 'an ESX host has no path');
  if (kind === 'vcenter' && path.length < 2) refuse(text, 'a vCenter needs the path of a cluster or host');
  return path.map((name) => decoded(text, name));
}

function decoded(text: string, name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    refuse(text, `"${name}" is not percent-encoded`);
  }
}

/** Someone may have put a password there, and messages go far. */
function refuse(text: string, why: string): never {
  throw new DriverError('Invalid', `uri ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//'))}: ${why}; accepted: ${accepted}`);
}
