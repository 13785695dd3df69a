import { DriverError } from '#drivers/error.js';

/** A host's WinRM. */
export interface HypervUri {
  /** Name or address; one of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `http` is sealed by NTLM. */
  readonly transport: 'https' | 'http';
  /** How we log in, where no client certificate does. */
  readonly auth: 'ntlm' | 'basic' | 'kerberos';
  /** The port at which its files are reached, or that they are not. */
  readonly smb: number | 'off';
}

const ports = { https: 5986, http: 5985, smb: 445 } as const;
const parameters = ['transport', 'auth', 'smb'];

const accepted =
  'hyperv://host[:port], by HTTPS, with ?auth=basic or ?auth=kerberos when NTLM is not meant; and hyperv://host[:port]/?transport=http, which NTLM seals; each also with smb=PORT where its files are not reached by SMB at port 445, or smb=off where they are not at all';

/** As libvirt has it. @throws DriverError Invalid, which never quotes a password */
export function parseHypervUri(text: string): HypervUri {
  const url = URL.canParse(text) ? new URL(text) : refuse(text, 'it is no URI');
  if (url.protocol !== 'hyperv:') refuse(text, 'scheme is not known');
  if (url.username !== '' || url.password !== '') refuse(text, 'user and password stand in the Secret, not here');
  if (url.searchParams.has('no_verify'))
    refuse(text, 'TLS is always verified; the Secret may hold "ca.crt", or "sha256" of the certificate');
  const names = [...url.searchParams.keys()];
  if (names.some((name) => !parameters.includes(name)) || new Set(names).size < names.length || url.hash !== '')
    refuse(text, 'nothing but transport, auth and smb may follow, each once');
  if (url.hostname === '') refuse(text, 'the host is missing');
  if (url.pathname !== '' && url.pathname !== '/') refuse(text, 'a Hyper-V host has no path');
  const transport = url.searchParams.get('transport') ?? 'https';
  if (transport !== 'https' && transport !== 'http') refuse(text, `transport ${JSON.stringify(transport)} is neither https nor http`);
  const auth = url.searchParams.get('auth') ?? 'ntlm';
  if (auth !== 'ntlm' && auth !== 'basic' && auth !== 'kerberos') refuse(text, `auth ${JSON.stringify(auth)} is not known`);
  if (auth !== 'ntlm' && transport === 'http') refuse(text, `auth=${auth} seals nothing, and goes by HTTPS alone`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? ports[transport] : Number(url.port),
    transport,
    auth,
    smb: smbIn(text, url.searchParams.get('smb') ?? String(ports.smb)),
  };
}

function smbIn(text: string, given: string): HypervUri['smb'] {
  if (given === 'off') return given;
  if (/^[1-9]\d{0,4}$/.test(given) && Number(given) <= 65_535) return Number(given);
  return refuse(text, `smb ${JSON.stringify(given)} is neither a port, from 1 to 65535, nor off`);
}

/** Someone may have put a password there, whatever signs it has, and messages go far. */
function refuse(text: string, why: string): never {
  throw new DriverError('Invalid', `uri ${JSON.stringify(text.replace(/^([^:/@]*:)?\/*.*@/s, '$1//'))}: ${why}; accepted: ${accepted}`);
}
