import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { reachPorts } from './displays.js';
import { type Libvirtd, type LibvirtdOptions, startLibvirtd } from './libvirtd.js';

/** A libvirt daemon that is reached by TLS, on a port of this host's loopback, as one of another host is. */
export interface TlsLibvirtd extends AsyncDisposable {
  readonly daemon: Libvirtd;
  readonly port: number;
  /** Of its authority, which issued the certificates of daemon and client: more can be issued there. */
  readonly folder: string;
  /** Of the daemon's driver: `qemu` or `test`. */
  uri(driver?: 'qemu' | 'test'): string;
  /** What the daemon lets in with: keys as in a Secret. */
  readonly secret: Readonly<Record<'ca.crt' | 'tls.crt' | 'tls.key', string>>;
}

export async function startTlsLibvirtd(options: LibvirtdOptions = {}): Promise<TlsLibvirtd> {
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
  const daemon = await startLibvirtd({ ...options, daemonConfig, daemonArguments: ['--listen'] });
  const ways = await reachPorts(daemon, [port]);
  const secret = { 'ca.crt': 'ca.crt', 'tls.crt': 'client.crt', 'tls.key': 'client.key' } as const;
  const texts = Object.entries(secret).map(async ([key, name]) => [key, await readFile(join(folder, name), 'utf8')]);
  return {
    daemon,
    port,
    folder,
    uri: (driver = 'qemu') => `${driver}+tls://localhost:${port}${driver === 'qemu' ? '/system' : '/default'}`,
    secret: Object.fromEntries(await Promise.all(texts)),
    [Symbol.asyncDispose]: async () => {
      await ways[Symbol.asyncDispose]();
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
