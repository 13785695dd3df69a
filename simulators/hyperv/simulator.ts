import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Classes } from './cim/class.js';
import type { WmiNamespace } from './cim/namespace.js';
import { problems } from './cim/problem.js';
import { Store } from './disks/store.js';
import { Listener } from './http/listener.js';
import { type Acceptor, type User, type Ways, windowsWays } from './http/users.js';
import { Host } from './model/host.js';
import type { Language } from './model/languages.js';
import type { Machine } from './model/machine.js';
import { isOutOfRoom, Power } from './model/power.js';
import { type Mode, wordsV1, wordsV2 } from './model/words.js';
import { cimv2Namespace } from './wmi/cimv2.js';
import { MachineObjects } from './wmi/machine-objects.js';
import { classes as v1Classes } from './wmi/v1/classes.js';
import { v1Methods } from './wmi/v1/methods.js';
import { V1Objects } from './wmi/v1/objects.js';
import { signatures as v1Signatures } from './wmi/v1/signatures.js';
import { classes as v2Classes } from './wmi/v2/classes.js';
import { v2Methods } from './wmi/v2/methods.js';
import { V2Objects } from './wmi/v2/objects.js';
import { signatures as v2Signatures } from './wmi/v2/signatures.js';
import { virtualizationNamespace } from './wmi/virtualization.js';
import { type Answered, Service } from './wsman/service.js';

export interface SimulatorOptions {
  readonly mode: Mode;
  /** Windows without the role Hyper-V. */
  readonly without?: boolean;
  /** Where the host's files are. */
  readonly folder: string;
  readonly users: readonly User[];
  /** Loopback when left out. */
  readonly host?: string;
  /** A free one when left out. */
  readonly port?: number;
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly ways?: Partial<Ways>;
  /** Takes tickets of Kerberos. */
  readonly acceptor?: Acceptor;
  readonly server?: string;
  /** English when left out. */
  readonly language?: Language;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** As Windows tells its version: `6.1.7600`. Server 2019's, or that of 2008 R2 SP1, when left out. */
  readonly windows?: string;
  /** In milliseconds: how long a job takes. */
  readonly jobMs?: number;
  readonly byJob?: boolean;
  /** How many listings and subscriptions may be open. */
  readonly maxOperations?: number;
  /** In milliseconds: how long a listing is remembered. */
  readonly idleMs?: number;
  /** In milliseconds: for how long a subscription is granted at most. */
  readonly maxExpiresMs?: number;
}

/** In bytes: as WinRM has it at first. */
const maxMessage = 500 * 1024;

/** A Hyper-V host behind WinRM, in this process: nothing runs in its machines. */
export class Simulator implements AsyncDisposable {
  readonly host: Host;
  readonly #service: Service;
  readonly #listener: Listener;

  private constructor(host: Host, service: Service, listener: Listener) {
    this.host = host;
    this.#service = service;
    this.#listener = listener;
  }

  static async start(options: SimulatorOptions): Promise<Simulator> {
    const { server = 'HYPERV', users, ways = {}, maxOperations = 1500, idleMs = 60_000, maxExpiresMs = Number.POSITIVE_INFINITY } = options;
    const words = options.mode === 'v2' ? wordsV2(new Classes(v2Classes)) : wordsV1(new Classes(v1Classes));
    const { cpus = 8, memoryBytes = 16 * 2 ** 30, jobMs = 20, byJob = false } = options;
    const store = new Store(options.folder);
    const version = options.windows ?? (options.mode === 'v2' ? '10.0.17763' : '6.1.7601');
    const hasDynamicMemory = !/^6\.(0\.|1\.7600)/.test(version);
    const host = new Host({
      server,
      language: options.language ?? 'en-US',
      words,
      store,
      cpus,
      memoryBytes,
      hasDynamicMemory,
      jobMs,
      byJob,
    });
    const namespaces = [...(options.without === true ? [] : [hyperVNamespace(host)]), cimv2Namespace(host, version)];
    const asked = (what: string) => met(host, what);
    const service = new Service({ server, version, namespaces, limits: { max: maxOperations, idleMs }, maxExpiresMs, asked });
    const listener = await Listener.open({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
      server,
      users,
      ways: { ...windowsWays, ...ways },
      acceptor: options.acceptor,
      maxMessage,
      answer: (text, user) => answered(host, service, text, user),
      unreadable: () => service.refuse('', problems.otherLetters()),
      identity: () => service.identify(false),
    });
    return new Simulator(host, service, listener);
  }

  get port(): number {
    return this.#listener.port;
  }

  /** How many listings and subscriptions are open. */
  get open(): number {
    return this.#service.open;
  }

  /** How many connections clients have. */
  get sockets(): number {
    return this.#listener.sockets;
  }

  machineNamed(name: string): Machine | undefined {
    return [...this.host.machines.values()].find((machine) => machine.name === name);
  }

  /** Offers a folder of ours, such as `D:\\Shares\\vms`, to a host that reaches us as `server`. */
  async share(name: string, path: string, server: string, client: Simulator): Promise<void> {
    const [ours, theirs] = [this.host.options.store, client.host.options.store];
    await ours.makeFolder(path);
    await mkdir(join(theirs.folder, 'UNC', server), { recursive: true });
    await symlink(join(ours.folder, ...path.replace(':', '').split('\\')), join(theirs.folder, 'UNC', server, name));
    const shared = this.host.shares.get(name) ?? { path, clients: [] };
    this.host.shares.set(name, shared);
    shared.clients.push({ host: client.host, unc: `\\\\${server}\\${name}` });
  }

  /** The drives are full, and machines that run with disks are paused; or have room again: such machines stay paused until they are resumed. */
  setFull(isFull: boolean): void {
    const { host } = this;
    host.options.store.isFull = isFull;
    for (const machine of host.machines.values())
      if (machine.state === 'running' && isOutOfRoom(host, machine)) {
        machine.starve();
        host.happens('__InstanceModificationEvent', new MachineObjects(host).system(machine));
      }
  }

  /** All connections break at once. */
  cut(): void {
    this.#listener.cut();
  }

  /** As a restart of the host's management does: it forgets listings and subscriptions. */
  forget(): void {
    this.#service.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#service.close();
    this.host.close();
    await this.#listener[Symbol.asyncDispose]();
  }
}

/** Events of WMI over WS-Management came with Windows 8: version 1 has none. */
function hyperVNamespace(host: Host): WmiNamespace {
  if (host.words.mode === 'v1') {
    const shown = new V1Objects(host);
    const power = new Power(host, (machine) => shown.machines.system(machine));
    return virtualizationNamespace(host, shown, { methods: v1Methods(host, power, shown), signatures: v1Signatures }, false);
  }
  const shown = new V2Objects(host);
  const power = new Power(host, (machine) => shown.machines.system(machine));
  return virtualizationNamespace(host, shown, { methods: v2Methods(host, power, shown), signatures: v2Signatures }, true);
}

/** What is answered in place of what would be. */
class Instead extends Error {
  readonly answered: Answered;

  constructor(answered: Answered) {
    super('another answer');
    this.answered = answered;
  }
}

/** Notes what is asked, and meets the troubles that are in its way. */
async function met(host: Host, what: string): Promise<void> {
  host.asked.push(what);
  const slow = host.troubles.take(what, 'slow');
  if (slow !== undefined) await new Promise((resolve) => setTimeout(resolve, slow.ms));
  await host.troubles.take(what, 'meet')?.act(what);
  if (host.troubles.take(what, 'denied') !== undefined) throw problems.accessDenied();
  if (host.troubles.take(what, 'quota') !== undefined) throw problems.quota('this user is allowed no more operations');
  const status = host.troubles.take(what, 'status');
  if (status !== undefined) throw new Instead({ status: status.status, body: '' });
  const reply = host.troubles.take(what, 'reply');
  if (reply !== undefined) throw new Instead({ status: 200, body: reply.text });
  const cut = host.troubles.take(what, 'cut');
  if (cut?.when === 'before') throw new Error('cut');
  if (cut !== undefined) host.troubles.add('answer', cut, 1);
}

async function answered(host: Host, service: Service, text: string, user: User): Promise<Answered> {
  if (user.powerless === true) return service.refuse(text, problems.accessDenied());
  const answer = await service.answer(text).catch((reason) => {
    if (reason instanceof Instead) return reason.answered;
    throw reason;
  });
  if (host.troubles.take('answer', 'cut') !== undefined) throw new Error('cut');
  return answer;
}
