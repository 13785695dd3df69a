import type { Credentials } from '#drivers/target.js';
import { type Contents, NoContents } from './contents.js';
import type { SmbLogin } from './smb/client.js';
import { SmbServer } from './smb/server.js';
import { SmbContents } from './smb-contents.js';
import type { HypervUri } from './uri.js';
import type { Login } from './wsman/login.js';

export type ClosableContents = Contents & AsyncDisposable;

/** What is in a server's files, as whom we log in there; where that is by a keytab, by the password beside it in the Secret. */
export function hostContents(at: HypervUri, login: Login, secret?: Credentials): ClosableContents {
  if (at.smb === 'off')
    return new NoContents(
      "smb=off in the host's URI: nothing is read from its files, nor written to them; leave it out, or name the port, as smb=445",
    );
  const account = accountOf(login, secret?.text('password'));
  if (typeof account === 'string') return new NoContents(account);
  return new SmbContents(new SmbServer({ host: at.host, port: at.smb }, account));
}

/** Whoever makes pools is not who gave the host's password, and names the server, which need not be an honest one. */
export const notShown = (server: string): ClosableContents =>
  new NoContents(
    `smb.credentialsSecretName: left out, and ${server} is not shown the host's account; name a Secret with "username" and "password" of an account of the file server`,
  );

/** The account for NTLM, or why there is none. */
function accountOf(login: Login, password: string | undefined): SmbLogin | string {
  if (login.kind === 'ntlm') return login;
  if (login.kind === 'basic') {
    const at = login.username.indexOf('\\');
    return { domain: login.username.slice(0, Math.max(at, 0)), username: login.username.slice(at + 1), password: login.password };
  }
  if (login.kind === 'kerberos') {
    const [username = '', domain = ''] = login.principal.split('@');
    const known = login.by === 'password' ? login.secret : password;
    return known === undefined || known === '' ? noPassword : { domain, username, password: known };
  }
  return noneOfCertificate;
}

const noPassword =
  '"keytab" in the Secret, and no "password": files are reached by SMB, with a username and a password (NTLM) alone; put "password" into the Secret, too';

const noneOfCertificate =
  '"tls.crt" in the host\'s Secret: files are reached by SMB, with a username and a password (NTLM) alone; leave it and "tls.key" out, and put "username" and "password" into the Secret';
