import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { refusal } from '../../refusal.js';

/** Who asks for a ticket, and by what: a password, or the content of a keytab in Base64. */
export interface Principal {
  readonly principal: string;
  readonly by: 'password' | 'keytab';
  readonly secret: string;
}

/** Tickets in a file that nobody else reads, and which goes once `act` is done. Rejects with DriverError. */
export async function withTickets<T>(who: Principal, act: (cache: string) => Promise<T>, signal: AbortSignal): Promise<T> {
  // Its folder is open to its owner alone.
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-tickets-'));
  try {
    const cache = `FILE:${join(folder, 'cache')}`;
    await kinit(who, folder, cache, signal);
    return await act(cache);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function kinit({ principal, by, secret }: Principal, folder: string, cache: string, signal: AbortSignal): Promise<void> {
  const keytab = join(folder, 'keytab');
  if (by === 'keytab') await writeFile(keytab, Buffer.from(secret, 'base64'), { mode: 0o600 });
  const { code, said } = await run(
    ['-c', cache, ...(by === 'keytab' ? ['-k', '-t', keytab] : []), '--', principal],
    by === 'keytab' ? '' : `${secret}\n`,
    signal,
  );
  if (code !== 0) throw failed(principal, by, said);
}

/** What it says, in English. A password is never among the arguments, which others can read. */
function run(
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('kinit', args, { signal, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    const said: string[] = [];
    child.stdout.on('data', (chunk) => said.push(`${chunk}`));
    child.stderr.on('data', (chunk) => said.push(`${chunk}`));
    child.once('error', (reason) => reject(signal.aborted ? DriverError.from(reason) : missing(reason)));
    child.once('close', (code) => resolve({ code, said: said.join('') }));
    // It may have ended before it reads.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

const missing = (cause: Error): DriverError =>
  new DriverError('Unsupported', `tickets of Kerberos are got by kinit, which cannot be run: install krb5-user where the agent runs`, {
    cause,
  });

type Meaning = readonly [words: RegExp, code: DriverErrorCode, remedy: string];

/** MIT's words, and what to do about them. */
const meanings: readonly Meaning[] = [
  [/Password incorrect/i, 'Denied', 'the password is wrong: check "password" in the Secret'],
  [/Preauthentication failed/i, 'Denied', 'the key is wrong: make key "keytab" of the Secret anew, as the account\'s password was changed'],
  [/credentials have been revoked/i, 'Denied', 'the account is locked or disabled: unlock it in the domain'],
  [/Password (has )?expired|must change/i, 'Denied', "the account's password has expired: change it, and the Secret"],
  [/entry in database has expired/i, 'Denied', 'the account has expired: extend it in the domain'],
  [
    /not found in Kerberos database/i,
    'Denied',
    'the domain knows no such account: check "username" in the Secret, USER@REALM with the realm in capitals',
  ],
  [
    /no suitable keys|key table entry not found|Unsupported key table format|Bad format in keytab/i,
    'Denied',
    'key "keytab" of the Secret has no key of that account',
  ],
  [/no support for encryption type/i, 'Denied', 'the domain takes none of the ciphers of the key: make a keytab with AES keys'],
  [/Clock skew/i, 'Denied', "this host's clock and the domain's are more than five minutes apart: set them by NTP"],
  [
    /Cannot (contact|find|resolve).*(KDC|realm|address)/i,
    'Unavailable',
    'no domain controller answers: check /etc/krb5.conf where the agent runs, DNS and port 88',
  ],
  [
    /Malformed representation of principal|Illegal|Improper format/i,
    'Invalid',
    '"username" in the Secret is no principal; accepted: USER@REALM',
  ],
];

function failed(principal: string, by: Principal['by'], said: string): DriverError {
  const [, code, remedy] = meanings.find(([words]) => words.test(said)) ?? [said, 'Denied' as const, 'look at what it says'];
  const words = said
    .replaceAll(/^kinit: |^Password for [^:]*: |\n$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
  const message = `Kerberos gives ${JSON.stringify(principal)} no ticket by its ${by}: ${remedy} (${words})`;
  return code === 'Denied' ? refusal(message) : new DriverError(code, message);
}

/** What the library says when a ticket for the host itself is asked for. */
export function serviceFailure(service: string, said: string): DriverError {
  const [, code, remedy] = serviceMeanings.find(([words]) => words.test(said)) ?? [said, 'Denied' as const, 'look at what it says'];
  return new DriverError(code, `Kerberos gives no ticket for ${service}: ${remedy} (${said.replaceAll(/\s+/g, ' ').slice(0, 300)})`);
}

const serviceMeanings: readonly Meaning[] = [
  [
    /not found in Kerberos database|unknown server/i,
    'Denied',
    'the domain knows no host of that name: the URI has to name it by its full name in the domain',
  ],
  [/Clock skew/i, 'Denied', "this host's clock and the domain's are more than five minutes apart: set them by NTP"],
  [
    /Cannot (contact|find|resolve)/i,
    'Unavailable',
    'no domain controller answers: check /etc/krb5.conf where the agent runs, DNS and port 88',
  ],
];
