import { DriverError } from '#drivers/error.js';

/** A host's WinRM. */
export interface HypervUri {
  /** Name or address; one of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `http` is sealed by NTLM. */
  readonly transport: 'https' | 'http';
}

const ports = { https: 5986, http: 5985 } as const;

const accepted = 'hyperv://host[:port], by HTTPS, and hyperv://host[:port]/?transport=http, which NTLM seals';

/** As libvirt has it. @throws DriverError Invalid, which never quotes a password */
export function parseHypervUri(text: string): HypervUri {
  const url = URL.canParse(text) ? new URL(text) : refuse(text, 'it is no URI');
  if (url.protocol !== 'hyperv:') refuse(text, 'scheme is not known');
  if (url.username !== '' || url.password !== '') refuse(text, 'user and password stand in the Secret, not here');
  if (url.searchParams.has('no_verify'))
    refuse(text, 'TLS is always verified; the Secret may hold "ca.crt", or "sha256" of the certificate');
  if (![...url.searchParams.keys()].every((name) => name === 'transport') || url.searchParams.size > 1 || url.hash !== '')
    refuse(text, 'nothing but transport may follow');
  if (url.hostname === '') refuse(text, 'the host is missing');
  if (url.pathname !== '' && url.pathname !== '/') refuse(text, 'a Hyper-V host has no path');
  const transport = url.searchParams.get('transport') ?? 'https';
  if (transport !== 'https' && transport !== 'http') refuse(text, `transport ${JSON.stringify(transport)} is neither https nor http`);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? ports[transport] : Number(url.port), transport };
}

/** Someone may have put a password there, and messages go far. */
function refuse(text: string, why: string): never {
  throw new DriverError('Invalid', `uri ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//'))}: ${why}; accepted: ${accepted}`);
}
