import type { Socket } from 'node:net';
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2';
import { onAbort } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { KnownHosts, Standing } from './known-hosts.js';
import { codeOf, type Meaning, networkError } from './network-error.js';
import { connectServer } from './server.js';
import { type Endpoint, peerName } from './transport.js';

/** What we log in with, and whom we log in to. */
export interface SshIdentity {
  /** In PEM form, or OpenSSH's. */
  readonly privateKey: string;
  readonly passphrase?: string;
  readonly knownHosts: KnownHosts;
}

export interface SshHost extends Endpoint {
  readonly user: string;
}

/** The best first; RSA with SHA-1 is none of them. */
const keyTypes: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** In milliseconds: signs of life, beneath those of the daemon. */
const keepalive = { keepaliveInterval: 10_000, keepaliveCountMax: 3 } as const;

/** Logs in to a host whose key is known, with our key, and by nothing else. */
export async function openLink(host: SshHost, identity: SshIdentity, signal: AbortSignal): Promise<Client> {
  const { Client: SshClient } = await import('ssh2');
  const client = new SshClient();
  const verdict: { standing: Standing } = { standing: 'known' };
  // What comes too late, or twice, has been told.
  client.on('error', () => {});
  try {
    const sock = await connectServer({ host: host.host, port: host.port }, signal);
    await loggedIn(client, { ...configOf(host, identity, verdict), sock }, signal);
    return client;
  } catch (reason) {
    client.destroy();
    throw explain(host, reason, verdict.standing);
  }
}

function configOf(
  { host, port, user }: SshHost,
  { privateKey, passphrase, knownHosts }: SshIdentity,
  verdict: { standing: Standing },
): ConnectConfig {
  const known = knownHosts.typesOf({ host, port });
  const isKnown = (type: string) => known.includes(type.startsWith('rsa-') ? 'ssh-rsa' : type);
  return {
    host,
    port,
    username: user,
    privateKey,
    ...(passphrase === undefined ? {} : { passphrase }),
    authHandler: ['publickey'],
    algorithms: { serverHostKey: [...keyTypes.filter(isKnown), ...keyTypes.filter((type) => !isKnown(type))] },
    hostVerifier: (key: Buffer) => {
      verdict.standing = knownHosts.standing({ host, port }, key);
      return verdict.standing === 'known';
    },
    ...keepalive,
    readyTimeout: 0,
    // What is asked for beyond SSH itself others than OpenSSH may have, too.
    strictVendor: false,
  };
}

/** In bytes, to the end of the login: banners and lists of algorithms take a few KiB. */
const mostGreeting = 1 << 20;

function loggedIn(client: Client, config: ConnectConfig & { readonly sock: Socket }, signal: AbortSignal): Promise<void> {
  const { sock } = config;
  return new Promise((resolve, reject) => {
    const count = () => {
      if (sock.bytesRead > mostGreeting) settle(() => reject(new Error(`the host said ${mostGreeting} bytes before anybody was let in`)));
    };
    const settle = (act: () => void) => {
      stop();
      sock.off('data', count);
      act();
    };
    const stop = onAbort(signal, () => settle(() => reject(new Error('given up'))));
    client.once('ready', () => settle(resolve));
    client.once('error', (error) => settle(() => reject(error)));
    client.once('close', () => settle(() => reject(new Error('the host closed the connection'))));
    client.connect(config);
    sock.on('data', count);
  });
}

const meanings: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['Unavailable', 'nothing listens there: check the port, and that sshd runs'],
};

const mistrust: Readonly<Record<Exclude<Standing, 'known'>, string>> = {
  unknown: 'the key of the host is not in key "known_hosts" of the Secret: put there what "ssh-keyscan" prints on a way that you trust',
  changed:
    'the host shows another key than the one in key "known_hosts" of the Secret: somebody may be in between; if it was set up anew, put its new key there',
  revoked: 'key "known_hosts" of the Secret says that the key of the host is revoked: give the host another, or see who answers there',
};

function explain(host: SshHost, reason: unknown, standing: Standing): DriverError {
  const peer = peerName(host);
  const denied = (why: string) => new DriverError('Denied', `${peer}: ${why}`, { cause: reason });
  if (standing !== 'known') return denied(mistrust[standing]);
  const words = reason instanceof Error ? reason.message : String(reason);
  if (levelOf(reason) === 'client-authentication')
    return denied(
      `user "${host.user}" is not let in with the key in "ssh-privatekey" of the Secret: put its public part into authorized_keys of that user`,
    );
  if (/privateKey/i.test(words)) return denied(`key "ssh-privatekey" of the Secret cannot be used: ${words}`);
  if (/^Handshake failed/.test(words)) return denied(`host and agent agree on nothing (${words}): let sshd offer what is newer`);
  const known =
    codeOf(reason) === undefined ? new DriverError('Unavailable', `${peer}: the connection failed: ${words}`, { cause: reason }) : reason;
  return networkError(peer, known, meanings);
}

const levelOf = (reason: unknown): unknown => (reason instanceof Error && 'level' in reason ? reason.level : undefined);
