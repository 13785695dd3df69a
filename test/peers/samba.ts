import { type ChildProcess, execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endChild, freePorts, startChild, waitUntil } from '#test/cluster/process.js';
import { AssetsMissing } from './build.js';

/** Where Debian has its server of files. */
const smbd = '/usr/sbin/smbd';
/** Accounts that every Debian has, as those of Windows that we log in with. */
const unixUsers = ['root', 'daemon', 'bin', 'sys'] as const;

export interface SambaShare {
  readonly name: string;
  readonly folder: string;
  /** More lines for its section. */
  readonly lines?: readonly string[];
  /** Of a disk of its own, which smbd alone sees. */
  readonly diskBytes?: number;
}

/** For a share that keeps the rights of files as Windows does. Debian's package samba-vfs-modules has what it takes. */
export const withRights = ['vfs objects = acl_xattr', 'acl_xattr:ignore system acls = yes'] as const;

export interface SambaOptions {
  readonly shares: readonly SambaShare[];
  /** At most four. All files are root's. */
  readonly users: readonly { readonly name: string; readonly password: string }[];
  /** More lines for the section [global] of its smb.conf, as `server max protocol = SMB3_00`. */
  readonly lines?: readonly string[];
}

/** Samba's own smbd on a port of this host's loopback, with folders and accounts of its own. It needs root. */
export interface Samba extends AsyncDisposable {
  readonly port: number;
  /** As the tools of Samba take it. */
  readonly configuration: string;
  /** What it has said. */
  log(): Promise<string>;
  /** How many connections it has now. */
  connections(): Promise<number>;
  /** Ends all connections as a power cut does. New ones can be made. */
  cut(): Promise<void>;
  /** Freezes what serves the connections, or lets it go on. */
  freeze(frozen: boolean): Promise<void>;
}

/** Rejects with AssetsMissing where it is not installed, or we are not root. */
export async function startSamba(options: SambaOptions): Promise<Samba> {
  await access(smbd).catch(() => {
    throw new AssetsMissing('no smbd: run test/peers/setup.sh, or install samba');
  });
  if (options.shares.some(({ lines }) => lines?.includes(withRights[0]))) await checkModule('acl_xattr');
  if (process.getuid?.() !== 0) throw new AssetsMissing('smbd takes logins as root alone');
  const folder = await mkdtemp(join(tmpdir(), 'vw-samba-'));
  const [port = 0] = await freePorts(1);
  const configuration = join(folder, 'smb.conf');
  await configure(folder, port, options);
  for (const [at, { password }] of options.users.entries()) await addUser(configuration, unixUsers[at] ?? 'root', password);
  const log = join(folder, 'log');
  const child = startChild('unshare', ['--mount', 'sh', '-ec', script(options, configuration)], log);
  const stop = async () => {
    // Stopped first: it would make another child, which nobody ends.
    child.kill('SIGSTOP');
    for (const pid of await childrenOf(child)) signal(pid, 'SIGKILL');
    await endChild(child, 'SIGKILL');
    // Children that are killed may still be writing in it for a moment.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  try {
    await waitUntil('smbd', () => listens(port), child);
  } catch (reason) {
    const said = await readFile(log, 'utf8');
    await stop();
    throw new Error(`smbd does not start: ${said}`, { cause: reason });
  }
  const serving = () => servingOf(child);
  return {
    port,
    configuration,
    log: () => readFile(log, 'utf8'),
    connections: async () => (await serving()).length,
    cut: async () => {
      for (const pid of await serving()) signal(pid, 'SIGKILL');
    },
    freeze: async (frozen) => {
      for (const pid of await serving()) signal(pid, frozen ? 'SIGSTOP' : 'SIGCONT');
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Rejects with AssetsMissing where it is not installed. */
async function checkModule(name: string): Promise<void> {
  const { stdout } = await promisify(execFile)(smbd, ['--build-options']);
  const folder = /MODULESDIR: (\S+)/.exec(stdout)?.[1] ?? '';
  await access(join(folder, 'vfs', `${name}.so`)).catch(() => {
    throw new AssetsMissing(`no ${name} for smbd: run test/peers/setup.sh, or install samba-vfs-modules`);
  });
}

/** Its mounts are seen by nobody else, and go with it. */
function script({ shares }: SambaOptions, configuration: string): string {
  const disks = shares.filter(({ diskBytes }) => diskBytes !== undefined);
  const mounts = disks.map(({ folder, diskBytes }) => `mount -t tmpfs -o size=${diskBytes} disk '${folder}'`);
  return [...mounts, `exec ${smbd} --foreground --no-process-group --debug-stdout --configfile='${configuration}'`].join('\n');
}

async function configure(folder: string, port: number, { shares, users, lines = [] }: SambaOptions): Promise<void> {
  const own = ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'];
  for (const name of own) await mkdir(join(folder, name));
  const inside = (name: string) => join(folder, name);
  const text = [
    '[global]',
    '  bind interfaces only = yes',
    '  interfaces = 127.0.0.1/8',
    `  smb ports = ${port}`,
    '  server role = standalone server',
    '  workgroup = TEST',
    '  netbios name = FILES',
    `  private dir = ${inside('private')}`,
    `  lock directory = ${inside('lock')}`,
    `  state directory = ${inside('state')}`,
    `  cache directory = ${inside('cache')}`,
    `  pid directory = ${inside('pid')}`,
    `  ncalrpc dir = ${inside('ncalrpc')}`,
    `  passdb backend = tdbsam:${inside('private/passdb.tdb')}`,
    `  username map = ${inside('users')}`,
    '  disable netbios = yes',
    '  load printers = no',
    '  printcap name = /dev/null',
    '  disable spoolss = yes',
    '  map to guest = never',
    '  server min protocol = SMB2_10',
    ...lines.map((line) => `  ${line}`),
    ...shares.flatMap(({ name, folder: path, lines: more = [] }) => [
      `[${name}]`,
      `  path = ${path}`,
      '  read only = no',
      '  force user = root',
      ...more.map((line) => `  ${line}`),
    ]),
    '',
  ];
  await writeFile(inside('smb.conf'), text.join('\n'));
  await writeFile(inside('users'), users.map(({ name }, at) => `${unixUsers[at]} = "${name}"\n`).join(''));
}

async function addUser(configuration: string, unixUser: string, password: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = execFile('pdbedit', ['-s', configuration, '-a', '-t', '-u', unixUser], (error) => (error ? reject(error) : resolve()));
    child.stdin?.end(`${password}\n${password}\n`);
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function childrenOf({ pid }: ChildProcess): Promise<readonly number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(all.map((each) => readFile(`/proc/${each}/status`, 'utf8').catch(() => '')));
  return all.filter((_, at) => /^PPid:\s*(\d+)$/m.exec(parents[at] ?? '')?.[1] === `${pid}`);
}

/** Those that have a connection: its other children have names of their own, as smbd-notifyd. */
async function servingOf(child: ChildProcess): Promise<readonly number[]> {
  const children = await childrenOf(child);
  const names = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return children.filter((_, at) => names[at]?.trim() === 'smbd');
}

/** It may have gone meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone.
  }
}
