import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { removeGroups } from './cgroups.js';

const execute = promisify(execFile);

/** A command that hangs is an error with a name, not a test that never ends. */
function run(command: string, args: readonly string[]) {
  return execute(command, args, { timeout: 60_000, killSignal: 'SIGKILL' });
}

export interface LibvirtdOptions {
  /** A folder with split daemons, each on a socket of its own, to be run in the place of libvirtd (`buildPeer('split')`). They have no test driver. */
  readonly split?: string;
  /** With virtlogd, as hosts have it: else the daemon writes the logs of machines itself, and bounds none. */
  readonly logd?: boolean;
  /** Further lines of libvirtd.conf. */
  readonly daemonConfig?: string;
  /** Of a user that the daemon is to know by SASL, where its configuration says that it asks. Needs saslpasswd2. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Further words for the daemon. */
  readonly daemonArguments?: readonly string[];
  /** Further lines of qemu.conf; of two that say the same thing the daemon heeds the first, so these. */
  readonly qemuConfig?: string;
}

/** A libvirt daemon of the test's own, in a network that leads nowhere. Needs root, libvirtd, bash, iproute2 and util-linux. */
export interface Libvirtd extends AsyncDisposable {
  /** Of the QEMU driver, e.g. `qemu+unix:///system?socket=…`. */
  readonly uri: string;
  /** Of the test driver: machines that are only pretended, one of them there from the start. Shared by all who connect. */
  readonly testUri: string;
  /** Of the LXC driver. Needs the package libvirt-daemon-driver-lxc. */
  readonly lxcUri: string;
  readonly socketPath: string;
  readonly readOnlySocketPath: string;
  /** A folder of the test's own, the same inside and outside; the daemon's own folders are below it. Removed by `stop`. */
  readonly directory: string;
  /** On which its machines show their screens: in its own network (see `reachDisplays`), and yet others than another daemon's. */
  readonly displayPorts: readonly number[];
  /** The words before a command with which it runs where the daemon does. */
  readonly enter: readonly string[];
  /** The daemon's process, as seen from here. Another one after `restart`. */
  readonly pid: number;
  /** Starts the daemon again after `kill9`, or in place of the one that runs. Machines live on. */
  restart(): Promise<void>;
  /**
   * What an administrator does about machines that the daemon holds for ever, as an earlier one died while it started them: their state
   * files go, and the daemon starts again. Gives their names; does nothing when there are none.
   */
  forgetHalfStarted(): Promise<readonly string[]>;
  /** Kills the daemon, and nothing else. */
  kill9(): Promise<void>;
  /** Everything that runs beneath, daemon and machines, as seen from here. */
  processes(): Promise<readonly number[]>;
  /** What the command prints; rejects with what it complains of. */
  virsh(...args: readonly string[]): Promise<string>;
  /** What a program prints that runs where the daemon does: its networks are reached from there, and from nowhere else. */
  inside(command: string, ...args: readonly string[]): Promise<string>;
  /** Kills the daemon and every machine it ever started, and removes the folder. */
  stop(): Promise<void>;
}

const daemonConfig = `
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`;

const qemuConfig = `
stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
namespaces = []
cgroup_controllers = []
`;

const lxcConfig = `
log_with_libvirtd = 0
security_driver = "none"
`;

/**
 * The first process of the namespaces: lays our folders over the host's, then collects the dead until its input ends. With it, the kernel
 * kills everything beneath: nothing outlives the test process, however that one ends.
 */
const holder = `
set -e
mount --bind "$1/etc" /etc/libvirt
mount --bind "$1/lib" /var/lib/libvirt
mount --bind "$1/log" /var/log/libvirt
mount --bind "$1/run" /run
[ ! -d /etc/sasl2 ] || mount --bind "$1/sasl2" /etc/sasl2
mount --bind "$2" /var/cache/libvirt
! mountpoint -q /sys/fs/cgroup/unified || umount -l /sys/fs/cgroup/unified
ip link set lo up
echo ready
read -r line || true
`;

const namespaces = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];

/** Starts a daemon with folders, mounts and processes of its own; any number of them can run side by side. */
export async function startLibvirtd(options: LibvirtdOptions = {}, signal?: AbortSignal): Promise<Libvirtd> {
  signal?.throwIfAborted();
  const directory = await mkdtemp(join(tmpdir(), 'vw-libvirtd-'));
  // Who is root in a container is nobody out here, and passes through.
  await chmod(directory, 0o711);
  const daemon = new PrivateDaemon(directory, options);
  try {
    await writeFolders(directory, options, daemon.displayPorts);
    await daemon.start();
    signal?.throwIfAborted();
    return daemon;
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

async function writeFolders(directory: string, options: LibvirtdOptions, displayPorts: readonly number[]): Promise<void> {
  const [first = 0, last = 0] = [displayPorts[0], displayPorts.at(-1)];
  const displays = `remote_display_port_min = ${first}\nremote_display_port_max = ${last}\n`;
  // All of /run, as a host that never ran libvirt has no folder there to lay another over; /var/lock lies in it, too.
  for (const name of ['etc', 'lib', 'log', 'run/libvirt', 'run/lock', 'sasl2']) await mkdir(join(directory, name), { recursive: true });
  await mkdir(sharedCache(), { recursive: true });
  await writeFile(join(directory, 'etc/lxc.conf'), lxcConfig);
  if (options.login !== undefined) await writePassword(directory, options.login);
  for (const name of options.split === undefined ? ['libvirtd'] : splitDaemons)
    await writeFile(join(directory, `etc/${name}.conf`), daemonConfig + (options.daemonConfig ?? ''));
  await writeFile(
    join(directory, 'etc/qemu.conf'),
    (options.qemuConfig ?? '') + (options.logd === true ? 'stdio_handler = "logd"\n' : '') + displays + qemuConfig,
  );
}

async function writePassword(directory: string, { username, password }: NonNullable<LibvirtdOptions['login']>): Promise<void> {
  await writeFile(join(directory, 'sasl2/libvirt.conf'), 'mech_list: scram-sha-512 scram-sha-256\nsasldb_path: /etc/libvirt/passwd.db\n');
  const file = join(directory, 'etc/passwd.db');
  const writing = run('saslpasswd2', ['-p', '-c', '-a', 'libvirt', '-f', file, username]);
  writing.child.stdin?.end(password);
  await writing;
}

/** Those that others ask come first. */
const splitDaemons = ['virtsecretd', 'virtnetworkd', 'virtstoraged', 'virtlxcd', 'virtqemud'] as const;

/** A few that hardly anybody else has. */
function somePorts(): readonly number[] {
  const first = 6_000 + 8 * randomInt(3_000);
  return Array.from({ length: 8 }, (_, at) => first + at);
}

/** What the daemons found out about the emulators, which takes seconds, is true for all of them; they check it and write it atomically. */
function sharedCache(): string {
  return join(tmpdir(), 'vw-libvirtd-cache');
}

class PrivateDaemon implements Libvirtd {
  readonly directory: string;
  readonly socketPath: string;
  readonly readOnlySocketPath: string;
  readonly uri: string;
  readonly testUri: string;
  readonly lxcUri: string;
  readonly displayPorts = somePorts();
  #stopHolder: () => Promise<void> = async () => {};
  readonly #logd: boolean;
  readonly #arguments: readonly string[];
  /** The last one is the one whose process is told. */
  readonly #programs: readonly string[];
  #init = 0;
  #pids: readonly number[] = [];

  constructor(directory: string, { logd = false, daemonArguments = [], split }: LibvirtdOptions) {
    this.directory = directory;
    this.#logd = logd;
    this.#arguments = daemonArguments;
    this.#programs = split === undefined ? ['libvirtd'] : splitDaemons.map((name) => join(split, name));
    const socket = (name: string) => join(directory, 'run/libvirt', `${split === undefined ? 'libvirt' : name}-sock`);
    this.socketPath = socket('virtqemud');
    this.readOnlySocketPath = `${this.socketPath}-ro`;
    this.uri = `qemu+unix:///system?socket=${this.socketPath}`;
    this.testUri = `test+unix:///default?socket=${this.socketPath}`;
    this.lxcUri = `lxc+unix:///system?socket=${socket('virtlxcd')}`;
  }

  get enter(): readonly string[] {
    return ['nsenter', '--target', `${this.#init}`, '--mount', '--pid', '--net'];
  }

  get pid(): number {
    return this.#pids.at(-1) ?? 0;
  }

  async start(): Promise<void> {
    const holding = spawn('unshare', [...namespaces, 'bash', '-c', holder, 'holder', this.directory, sharedCache()], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const exited = once(holding, 'exit');
    let words = '';
    holding.stderr.on('data', (chunk) => {
      words += chunk;
    });
    this.#stopHolder = async () => {
      // The namespace is empty once its first process is gone, and that one's end is what unshare waits for.
      if (this.#init > 0 && holding.exitCode === null && holding.signalCode === null) process.kill(this.#init, 'SIGKILL');
      holding.stdin.destroy();
      await exited;
    };
    await Promise.race([once(holding.stdout, 'data'), exited]);
    if (holding.exitCode !== null) throw new Error(`no namespace for libvirtd: ${words}`);
    this.#init = (await childrenOf(holding.pid as number))[0] as number;
    if (this.#logd) await this.inside('virtlogd', '--daemon', '--pid-file', '/run/virtlogd.pid');
    await this.#startDaemon();
  }

  async restart(): Promise<void> {
    await this.kill9();
    await this.#startDaemon();
  }

  async forgetHalfStarted(): Promise<readonly string[]> {
    const folder = join(this.directory, 'run/libvirt/qemu');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.xml'));
    const states = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8').catch(() => '')));
    const stuck = files.filter((_, index) => /<domstatus [^>]*pid='0'/.test(states[index] ?? ''));
    if (stuck.length === 0) return [];
    await this.kill9();
    for (const file of stuck) await rm(join(folder, file));
    await this.restart();
    return stuck.map((file) => file.slice(0, -'.xml'.length));
  }

  async kill9(): Promise<void> {
    for (const pid of this.#pids.toReversed()) {
      // A test may have killed it itself.
      if (await exists(pid)) process.kill(pid, 'SIGKILL');
      while (await exists(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#pids = [];
  }

  async processes(): Promise<readonly number[]> {
    if (this.#init === 0) return [];
    const namespace = await namespaceOf(this.#init);
    if (namespace === undefined) return [];
    const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== this.#init);
    const found = await Promise.all(pids.map(async (pid) => ((await namespaceOf(pid)) === namespace ? [pid] : [])));
    return found.flat();
  }

  async virsh(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('virsh', ['--connect', this.uri, ...args]);
    return stdout;
  }

  async inside(command: string, ...args: readonly string[]): Promise<string> {
    const [program, ...words] = [...this.enter, command, ...args];
    const { stdout } = await run(program as string, words);
    return stdout;
  }

  async stop(): Promise<void> {
    await this.#stopHolder();
    this.#pids = [];
    const logs = await Promise.all(['lxc', 'qemu'].map((driver) => readdir(join(this.directory, 'log', driver)).catch(() => [])));
    await removeGroups(logs.flat().map((name) => name.replace(/\.log$/, '')));
    await rm(this.directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Returns when the daemon listens, or all of them. */
  async #startDaemon(): Promise<void> {
    const pids: number[] = [];
    for (const program of this.#programs) {
      const name = basename(program);
      const words = ['--daemon', '--pid-file', `/run/libvirt/${name}.pid`, ...this.#arguments];
      await this.inside(program, ...words).catch((error) => this.#explain(error));
      for (const pid of await childrenOf(this.#init)) if ((await nameOf(pid)) === name) pids.push(pid);
    }
    this.#pids = pids;
  }

  async #explain(error: unknown): Promise<never> {
    const log = await readFile(join(this.directory, 'log/libvirtd.log'), 'utf8').catch(() => '');
    throw new Error(`libvirtd does not start: ${String(error)}\n${log}`, { cause: error });
  }
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

async function namespaceOf(pid: number): Promise<string | undefined> {
  return await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
}

async function exists(pid: number): Promise<boolean> {
  return (await namespaceOf(pid)) !== undefined;
}
