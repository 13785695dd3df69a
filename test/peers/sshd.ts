import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reachPorts } from './displays.js';
import type { Libvirtd } from './libvirtd.js';

const run = promisify(execFile);

/** OpenSSH's own sshd, where the daemon runs, reached on a port of this host's loopback. Lets root in, by one key. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** Of its keys and those of its user: more can be made there. */
  readonly folder: string;
  /** Of the daemon's driver: `qemu` or `test`. */
  uri(driver?: 'qemu' | 'test', user?: string): string;
  /** What it lets in with: keys as in a Secret. */
  readonly secret: Readonly<Record<'ssh-privatekey' | 'known_hosts', string>>;
  /** Ends it, and all its connections. */
  stop(): Promise<void>;
}

/** A new pair in the folder: `name` and `name.pub`. */
export async function createKey(folder: string, name: string, ...options: readonly string[]): Promise<string> {
  const file = join(folder, name);
  const passphrase = options.includes('-N') ? [] : ['-N', ''];
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-C', name, '-f', file, ...passphrase, ...options]);
  return await readFile(file, 'utf8');
}

/** `lines` come first in its configuration, and of two that say the same sshd heeds the first. */
export async function startSshd(daemon: Libvirtd, lines: readonly string[] = []): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-sshd-'));
  const port = randomInt(20_000, 30_000);
  await createKey(folder, 'host');
  const privateKey = await createKey(folder, 'user');
  await writeFile(join(folder, 'authorized_keys'), await readFile(join(folder, 'user.pub'), 'utf8'));
  await writeFile(join(folder, 'sshd_config'), configuration(folder, port, lines));
  // Its own empty folder, where it looks for one.
  await mkdir(join(daemon.directory, 'run/sshd'), { recursive: true });
  const stop = await startProgram(daemon, folder);
  const ways = await reachPorts(daemon, [port]);
  const [type, key] = (await readFile(join(folder, 'host.pub'), 'utf8')).split(' ');
  return {
    port,
    folder,
    uri: (driver = 'qemu', user = 'root') => `${driver}+ssh://${user}@localhost:${port}${driver === 'qemu' ? '/system' : '/default'}`,
    secret: { 'ssh-privatekey': privateKey, known_hosts: `[localhost]:${port} ${type} ${key}\n` },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await ways[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const configuration = (folder: string, port: number, lines: readonly string[]): string =>
  [
    ...lines,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    // What lies below /tmp everybody may write to.
    'StrictModes no',
    'PidFile none',
    '',
  ].join('\n');

/** Returns how it ends, once it listens. */
async function startProgram(daemon: Libvirtd, folder: string): Promise<() => Promise<void>> {
  const [command, ...words] = [...daemon.enter, '/usr/sbin/sshd', '-D', '-e', '-f', join(folder, 'sshd_config')];
  const child = spawn(command as string, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  const listens = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('Server listening')) resolve();
    });
  });
  await Promise.race([listens, exited]);
  if (child.exitCode !== null) throw new Error(`sshd does not start: ${said}`);
  return async () => {
    for (const pid of await daemon.processes()) if (await isSshd(pid)) kill(pid);
    await exited;
  };
}

async function isSshd(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() === 'sshd';
}

/** It may have gone with another. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone.
  }
}
