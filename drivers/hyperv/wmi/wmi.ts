import { DriverError } from '#drivers/error.js';
import type { WsmanClient } from '../wsman/client.js';
import type { Instance, Reference } from '../wsman/instance.js';
import { decodeObject, namespaces, type Version, type WmiClass, type WmiObject } from './class.js';
import { machineService } from './classes.js';
import type { Fields } from './property.js';
import { relativePath, where } from './wql.js';

/** Hyper-V's part of a host's WMI, in the version that the host has. Rejects with DriverError only. */
export class Wmi {
  readonly client: WsmanClient;
  readonly version: Version;
  /** The host as paths of objects name it. */
  readonly server: string;

  private constructor(client: WsmanClient, version: Version, server: string) {
    this.client = client;
    this.version = version;
    this.server = server;
  }

  /** The newer version where the host has both. Unsupported where it has none. */
  static async open(client: WsmanClient, signal: AbortSignal): Promise<Wmi> {
    const found = (await probe(client, 'v2', signal)) ?? (await probe(client, 'v1', signal));
    if (found !== undefined) return new Wmi(client, ...found);
    throw new DriverError(
      'Unsupported',
      `${client.peer}: neither ${namespaces.v2} nor ${namespaces.v1} is there: install the role Hyper-V, and see that its service (vmms) runs`,
    );
  }

  get namespace(): string {
    return namespaces[this.version];
  }

  /** All objects of that class, of which all that is wanted holds. */
  async find<C extends Fields, V1 extends Fields, V2 extends Fields>(
    of: WmiClass<C, V1, V2>,
    wanted: Readonly<Record<string, string | number>>,
    signal: AbortSignal,
  ): Promise<readonly WmiObject<C, V1, V2>[]> {
    return this.#decoded(of, await this.client.query(this.namespace, `SELECT * FROM ${of.name[this.version]}${where(wanted)}`, signal));
  }

  /** All objects of that class for which the condition holds, which is WQL. */
  async select<C extends Fields, V1 extends Fields, V2 extends Fields>(
    of: WmiClass<C, V1, V2>,
    condition: string,
    signal: AbortSignal,
  ): Promise<readonly WmiObject<C, V1, V2>[]> {
    return this.#decoded(of, await this.client.query(this.namespace, `SELECT * FROM ${of.name[this.version]} WHERE ${condition}`, signal));
  }

  /** The one object of that class that a host has, such as a service. */
  async only<C extends Fields, V1 extends Fields, V2 extends Fields>(
    of: WmiClass<C, V1, V2>,
    signal: AbortSignal,
  ): Promise<WmiObject<C, V1, V2>> {
    const [found] = await this.find(of, {}, signal);
    if (found === undefined)
      throw new DriverError('Unavailable', `${this.client.peer} has no ${of.name[this.version]}: does its service (vmms) run?`);
    return found;
  }

  /** Objects of that class that belong to another one by that association. */
  async associated<C extends Fields, V1 extends Fields, V2 extends Fields>(
    from: Reference,
    association: string,
    of: WmiClass<C, V1, V2>,
    signal: AbortSignal,
  ): Promise<readonly WmiObject<C, V1, V2>[]> {
    const wql = `ASSOCIATORS OF {${relativePath(from)}} WHERE AssocClass = ${association} ResultClass = ${of.name[this.version]}`;
    return this.#decoded(of, await this.client.query(this.namespace, wql, signal));
  }

  /** NotFound when it is gone. */
  async get<C extends Fields, V1 extends Fields, V2 extends Fields>(
    of: WmiClass<C, V1, V2>,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<WmiObject<C, V1, V2>> {
    return decodeObject(of, this.version, await this.client.get(reference, signal));
  }

  /** Changes these properties of an object, where its class lets them be written. The whole object is sent, which every host takes. */
  async put(reference: Reference, changes: Readonly<Record<string, string | readonly string[]>>, signal: AbortSignal): Promise<void> {
    const { className, properties } = await this.client.get(reference, signal);
    const has = [...properties].map(([name, values]) => [name, values.filter((value) => typeof value === 'string')] as const);
    await this.client.put(reference, className, { ...Object.fromEntries(has), ...changes }, signal);
  }

  #decoded<C extends Fields, V1 extends Fields, V2 extends Fields>(
    of: WmiClass<C, V1, V2>,
    instances: readonly Instance[],
  ): readonly WmiObject<C, V1, V2>[] {
    return instances.map((instance) => decodeObject(of, this.version, instance));
  }
}

/** A host that has the version has its service. What describes the host itself is in the host's language, so that it is not found by that. */
async function probe(client: WsmanClient, version: Version, signal: AbortSignal): Promise<readonly [Version, string] | undefined> {
  try {
    const [service] = await client.query(namespaces[version], `SELECT * FROM ${machineService.name[version]}`, signal);
    return service === undefined ? undefined : [version, decodeObject(machineService, version, service).common.SystemName];
  } catch (reason) {
    if (reason instanceof DriverError && reason.code === 'Unsupported') return undefined;
    throw reason;
  }
}
