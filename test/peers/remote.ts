import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { reachPorts } from './displays.js';
import { type Libvirtd, type LibvirtdOptions, startLibvirtd } from './libvirtd.js';

/** What lets clients in to a daemon that listens by TLS, on a port of its own. */
export interface TlsWay extends AsyncDisposable {
  /** With which the daemon is to be started. */
  readonly options: LibvirtdOptions;
  readonly port: number;
  /** Of its authority, which issued the certificates of daemon and client: more can be issued there. */
  readonly folder: string;
  /** Of the daemon's driver: `qemu` or `test`. */
  uri(driver?: 'qemu' | 'test'): string;
  /** What the daemon lets in with: keys as in a Secret. */
  readonly secret: Readonly<Record<'ca.crt' | 'tls.crt' | 'tls.key', string>>;
  /** From then on its port is one of this host's loopback, too, as one of another host is. */
  reach(daemon: Libvirtd): Promise<AsyncDisposable>;
}

export async function prepareTls(options: LibvirtdOptions = {}): Promise<TlsWay> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-tls-'));
  await createAuthority(folder);
  const server = await issue(folder, 'server', '/CN=localhost', 'serverAuth');
  await issue(folder, 'client', '/O=virtwright/CN=agent', 'clientAuth');
  const port = randomInt(20_000, 30_000);
  const lines = {
    listen_tls: 1,
    tls_port: `"${port}"`,
    listen_addr: '"127.0.0.1"',
    ca_file: `"${join(folder, 'ca.crt')}"`,
    cert_file: `"${server.cert}"`,
    key_file: `"${server.key}"`,
  };
  const listening = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
  const daemonConfig = `${options.daemonConfig ?? ''}\n${listening.join('')}`;
  const secret = { 'ca.crt': 'ca.crt', 'tls.crt': 'client.crt', 'tls.key': 'client.key' } as const;
  const texts = Object.entries(secret).map(async ([key, name]) => [key, await readFile(join(folder, name), 'utf8')]);
  return {
    options: { ...options, daemonConfig, daemonArguments: ['--listen'] },
    port,
    folder,
    uri: (driver = 'qemu') => `${driver}+tls://localhost:${port}${driver === 'qemu' ? '/system' : '/default'}`,
    secret: Object.fromEntries(await Promise.all(texts)),
    reach: (daemon) => reachPorts(daemon, [port]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A libvirt daemon that is reached by TLS, on a port of this host's loopback, as one of another host is. */
export interface TlsLibvirtd extends Omit<TlsWay, 'reach' | 'options'> {
  readonly daemon: Libvirtd;
}

export async function startTlsLibvirtd(options: LibvirtdOptions = {}): Promise<TlsLibvirtd> {
  const way = await prepareTls(options);
  const daemon = await startLibvirtd(way.options);
  const reached = await way.reach(daemon);
  return {
    ...way,
    daemon,
    [Symbol.asyncDispose]: async () => {
      await reached[Symbol.asyncDispose]();
      await daemon.stop();
      await way[Symbol.asyncDispose]();
    },
  };
}
