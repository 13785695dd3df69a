import { randomUUID } from 'node:crypto';
import { connectLibvirt } from '#drivers/libvirt/connect.js';
import { pretended } from '#drivers/libvirt/dialects/pretended/dialect.js';
import { libvirtDriver } from '#drivers/libvirt/driver.js';
import type { Connection } from '#drivers/libvirt/rpc/connection.js';
import { domainCreateWithFlags, domainDefineXmlFlags, domainLookupByName } from '#drivers/libvirt/rpc/procedures.js';
import { domainByUuid } from '#drivers/libvirt/rpc/types.js';
import { type Libvirtd, startLibvirtd } from '#test/peers/libvirtd.js';

const control = { lane: 'control', timeoutMs: 600_000 } as const;
const forever = new AbortController().signal;

/** A real daemon with machines that are only pretended, which last as long as this. */
export class Host implements AsyncDisposable {
  /** The uuid of a machine that runs. */
  readonly machine: string;
  readonly uri: string;
  readonly #daemon: Libvirtd;
  readonly #connection: Connection;

  private constructor(daemon: Libvirtd, connection: Connection, machine: string) {
    this.#daemon = daemon;
    this.#connection = connection;
    this.uri = daemon.testUri;
    this.machine = machine;
  }

  /** With so many machines; one runs, and so do `running` more. */
  static async start(machines: number, running: number): Promise<Host> {
    const daemon = await startLibvirtd();
    const connection = await connectLibvirt(daemon.testUri, {}, forever);
    const uuids = Array.from({ length: machines - 1 }, () => randomUUID());
    await Promise.all(uuids.map((uuid) => connection.call(domainDefineXmlFlags, { xml: xmlOf(uuid), flags: 0 }, control, forever)));
    const started = uuids.slice(0, running).map((uuid) => ({ domain: domainByUuid(uuid), flags: 0 }));
    await Promise.all(started.map((what) => connection.call(domainCreateWithFlags, what, control, forever)));
    const { uuid } = await connection.call(domainLookupByName, { name: 'test' }, control, forever);
    return new Host(daemon, connection, uuid);
  }

  /** How many calls the driver makes for the states and the statistics of all: the first time, and then. */
  async calls(): Promise<readonly number[]> {
    let calls = 0;
    const counting: Connection['call'] = (...asked) => {
      calls += 1;
      return this.#connection.call(...asked);
    };
    const counted = { call: counting, closed: this.#connection.closed } as Connection;
    const { machines, stats } = libvirtDriver(counted, async () => this.#connection, pretended);
    const look = async () => {
      calls = 0;
      await machines.list(forever);
      await stats?.read(forever);
      return calls;
    };
    return [await look(), await look()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
    await this.#daemon.stop();
  }
}

const xmlOf = (uuid: string): string =>
  `<domain type='test'><name>bench.${uuid.slice(0, 13)}</name><uuid>${uuid}</uuid><memory>8192</memory><os><type>hvm</type></os></domain>`;
