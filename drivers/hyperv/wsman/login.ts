import type { IncomingMessage } from 'node:http';
import { DriverError } from '#drivers/error.js';
import type { Account } from './ntlm/keys.js';

/** How we show who we are. */
export type Login =
  /** The message is sealed where the connection is not. `domain` is empty for an account of the host itself. */
  | ({ readonly kind: 'ntlm' } & Account)
  /** Over TLS alone: the password itself is sent. */
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** By TLS: a certificate that the host maps to one of its own accounts. */
  | { readonly kind: 'certificate'; readonly cert: string; readonly key: string };

const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual';

/** The header that every request bears, where there is one. */
export function authorization(login: Login): string | undefined {
  if (login.kind === 'ntlm') return undefined;
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

/** That the host offers no way in such as ours. */
export function noWay(kind: Login['kind'], ways: readonly string[]): DriverError {
  const has = ways.length === 0 ? 'it names none' : `it offers ${ways.join(', ')}`;
  return new DriverError('Denied', `the host does not take ${words[kind].name}: ${has}; ${words[kind].enable}`);
}

/** What stands behind that the host knows the way in, and not us. */
const refusedCause = Symbol('a refused login');

/** That the host knows the way in, and not us. */
export function refusedLogin(kind: Login['kind']): DriverError {
  return new DriverError('Denied', `the host refuses the login: ${words[kind].refused}`, { cause: refusedCause });
}

export const isRefusedLogin = ({ cause }: DriverError): boolean => cause === refusedCause;

const words = {
  ntlm: {
    name: 'NTLM',
    enable: 'allow Negotiate there (`winrm set winrm/config/service/auth @{Negotiate="true"}`), which is the default',
    refused:
      'check "username" (DOMAIN\\user, or user for an account of the host) and "password" in the Secret, whether the account is locked or expired, and whether a policy forbids NTLM',
  },
  basic: {
    name: 'Basic',
    enable: 'allow it there (`winrm set winrm/config/service/auth @{Basic="true"}`), or take NTLM, the default',
    refused: 'check "username" and "password" in the Secret: Basic knows only accounts of the host itself',
  },
  certificate: {
    name: 'client certificates',
    enable: 'allow them there (`winrm set winrm/config/service/auth @{Certificate="true"}`)',
    refused: 'map the certificate "tls.crt" to an account of the host itself (`New-Item WSMan:\\localhost\\ClientCertificate`)',
  },
} as const satisfies Record<Login['kind'], Record<'name' | 'enable' | 'refused', string>>;
