import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Acceptor } from '#simulators/hyperv/http/users.js';
import { until } from '#test/cluster/until.js';
import { AssetsMissing } from '../build.js';

const run = promisify(execFile);
const realm = 'TEST.LAN';
const programs = ['/usr/sbin/krb5kdc', '/usr/sbin/kdb5_util', '/usr/sbin/kadmin.local', '/usr/bin/kinit'];

/** MIT's KDC with a realm of its own, on loopback and in a folder of its own. This process asks it for tickets while it runs. */
export class Kdc implements AsyncDisposable {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #before: Readonly<Record<string, string | undefined>>;
  #child: ChildProcess | undefined;

  private constructor(folder: string, before: Readonly<Record<string, string | undefined>>) {
    this.folder = folder;
    this.#before = before;
    this.#env = { ...process.env };
  }

  /** Rejects with AssetsMissing where it is not installed. */
  static async start(): Promise<Kdc> {
    await Promise.all(programs.map((path) => access(path))).catch(() => {
      throw new AssetsMissing('no KDC: run test/peers/setup.sh, or install krb5-kdc, krb5-admin-server and krb5-user');
    });
    const folder = await mkdtemp(join(tmpdir(), 'vw-kdc-'));
    await configure(folder, await freePort());
    const own = {
      KRB5_CONFIG: join(folder, 'krb5.conf'),
      KRB5_KDC_PROFILE: join(folder, 'kdc.conf'),
      KRB5_KTNAME: `FILE:${join(folder, 'service.keytab')}`,
      // Several acceptors in one process would call each other's tickets a replay.
      KRB5RCACHENAME: 'none:',
    };
    const before = Object.fromEntries(Object.keys(own).map((name) => [name, process.env[name]]));
    Object.assign(process.env, own);
    const kdc = new Kdc(folder, before);
    await run('/usr/sbin/kdb5_util', ['create', '-s', '-r', realm, '-P', 'of-the-test'], { env: kdc.#env });
    await kdc.admin('addprinc -randkey HTTP/localhost', `ktadd -k ${join(folder, 'service.keytab')} HTTP/localhost`);
    await kdc.#serve();
    return kdc;
  }

  principal(name: string): string {
    return `${name}@${realm}`;
  }

  /** As `kadmin.local -q`. */
  async admin(...queries: readonly string[]): Promise<void> {
    for (const query of queries) await run('/usr/sbin/kadmin.local', ['-r', realm, '-q', query], { env: this.#env });
  }

  /** Another account. Its password stays what it is. */
  async account(name: string, password: string, ...options: readonly string[]): Promise<void> {
    await this.admin(`addprinc +requires_preauth ${options.join(' ')} -pw ${password} ${name}`);
  }

  async keytab(name: string): Promise<Buffer> {
    const file = join(this.folder, `${name}.keytab`);
    await this.admin(`ktadd -norandkey -k ${file} ${name}`);
    return readFile(file);
  }

  async stop(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(this.folder, { recursive: true });
  }

  async #serve(): Promise<void> {
    const child = spawn('/usr/sbin/krb5kdc', ['-n', '-r', realm], { env: this.#env, stdio: 'ignore' });
    this.#child = child;
    const pidFile = join(this.folder, 'kdc.log');
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`krb5kdc ended: ${await readFile(pidFile, 'utf8').catch(() => '')}`);
      return /commencing operation/.test(await readFile(pidFile, 'utf8').catch(() => ''));
    });
  }
}

interface Server {
  readonly username: string;
  readonly response: string | null;
  step(token: string): Promise<unknown>;
}

/** A service that looks at tickets, by MIT's library. Rejects with AssetsMissing without the optional package. */
export async function ticketAcceptor(): Promise<Acceptor> {
  const library = loaded();
  return {
    accept: async (token) => {
      const server = await library.initializeServer('HTTP@localhost');
      await server.step(token);
      return { principal: server.username, answer: server.response ?? '' };
    },
  };
}

function loaded(): { initializeServer(service: string): Promise<Server> } {
  try {
    return createRequire(import.meta.url)('kerberos');
  } catch {
    throw new AssetsMissing('the optional package "kerberos" is not there: npm install kerberos');
  }
}

async function configure(folder: string, port: number): Promise<void> {
  const client = `[libdefaults]
  default_realm = ${realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${realm}
[logging]
  kdc = FILE:${join(folder, 'kdc.log')}
`;
  const server = `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${realm} = {
    database_name = ${join(folder, 'principal')}
    key_stash_file = ${join(folder, 'stash')}
    acl_file = ${join(folder, 'acl')}
  }
`;
  await writeFile(join(folder, 'krb5.conf'), client);
  await writeFile(join(folder, 'kdc.conf'), server);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
