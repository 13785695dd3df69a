import type { IncomingMessage } from 'node:http';
import { DriverError } from '#drivers/error.js';
import type { Account } from '../ntlm/keys.js';
import { refusal } from '../refusal.js';
import type { Principal } from './kerberos/kinit.js';

/** How we show who we are. */
export type Login =
  /** The message is sealed where the connection is not. `domain` is empty for an account of the host itself. */
  | ({ readonly kind: 'ntlm' } & Account)
  /** Over TLS alone: the password itself is sent. */
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** By TLS: a certificate that the host maps to one of its own accounts. */
  | { readonly kind: 'certificate'; readonly cert: string; readonly key: string }
  /** Over TLS alone, as messages are not sealed by it. */
  | ({ readonly kind: 'kerberos' } & Principal);

const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual';

/** The header that every request bears, where there is one. */
export function authorization(login: Login): string | undefined {
  if (login.kind === 'ntlm' || login.kind === 'kerberos') return undefined;
  if (login.kind === 'certificate') return mutual;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/** The ways in that a host offers with a 401. */
export function offered({ headers }: IncomingMessage): readonly string[] {
  const all = headers['www-authenticate'] ?? '';
  return all
    .split(',')
    .map((each) => each.trim().split(/\s/)[0] ?? '')
    .filter((each) => /^[A-Za-z][A-Za-z0-9-]*$/.test(each));
}

/** What the host answered to our first message of NTLM. @throws DriverError Denied when it does not go on with it */
export function challengeIn({ headers }: IncomingMessage): Buffer | undefined {
  const token = /(?:^|,)\s*(?:Negotiate|NTLM)\s+([A-Za-z0-9+/=]+)/i.exec(headers['www-authenticate'] ?? '')?.[1];
  return token === undefined ? undefined : Buffer.from(token, 'base64');
}

/** That the host offers no way in such as ours; or offers Negotiate, and does not go on with NTLM. */
export function noWay(kind: Login['kind'], ways: readonly string[]): DriverError {
  if (kind === 'ntlm' && ways.some((way) => /^negotiate$/i.test(way))) return new DriverError('Denied', ntlmForbidden);
  const has = ways.length === 0 ? 'it names none' : `it offers ${ways.join(', ')}`;
  return new DriverError('Denied', `the host does not take ${words[kind].name}: ${has}; ${words[kind].enable}`);
}

/** That the host knows the way in, and not us. */
export function refusedLogin(kind: Login['kind'], isOverTls: boolean): DriverError {
  const binding = isOverTls && kind === 'ntlm' ? `; ${bindingBroken}` : '';
  return refusal(`the host refuses the login: ${words[kind].refused}${binding}`);
}

const ntlmForbidden =
  'the host takes Negotiate, and no NTLM in it: a policy forbids NTLM there ("Network security: Restrict NTLM"); allow it for this account, or take auth=kerberos in the URI, by HTTPS';
/** The password may be right, and the host think that somebody listens in. */
const bindingBroken =
  'where something between us and the host ends TLS, go around it, as NTLM is bound to the certificate that we see (CbtHardeningLevel)';

const words = {
  ntlm: {
    name: 'NTLM',
    enable: 'allow Negotiate there (`winrm set winrm/config/service/auth @{Negotiate="true"}`), which is the default',
    refused:
      'check "username" (DOMAIN\\user, or user for an account of the host) and "password" in the Secret; whether the account is locked or disabled, or it or its password expired: the host does not tell which',
  },
  basic: {
    name: 'Basic',
    enable: 'allow it there (`winrm set winrm/config/service/auth @{Basic="true"}`), or take NTLM, the default',
    refused: 'check "username" and "password" in the Secret: Basic knows only accounts of the host itself',
  },
  certificate: {
    name: 'client certificates',
    enable: 'allow them there (`winrm set winrm/config/service/auth @{Certificate="true"}`)',
    refused:
      'map the certificate "tls.crt" to an account of the host itself (`New-Item WSMan:\\localhost\\ClientCertificate`), have its issuer trusted there, and allow certificates (`winrm set winrm/config/service/auth @{Certificate="true"}`)',
  },
  kerberos: {
    name: 'Kerberos',
    enable: 'allow Kerberos and Negotiate there (`winrm set winrm/config/service/auth @{Kerberos="true"}`), which is the default',
    refused:
      'it does not take the ticket: check that both are of one domain and that its clock is right; with CbtHardeningLevel Strict it takes none from us, as ours names no TLS',
  },
} as const satisfies Record<Login['kind'], Record<'name' | 'enable' | 'refused', string>>;
