import { DriverError } from '#drivers/error.js';
import { meaningOf } from '#drivers/words.js';
import { decodeName, encodeName } from './config/native.js';
import { type Properties, retrieveAll, retrieveOne } from './soap/properties.js';
import type { Session } from './soap/session.js';
import { type Ref, ref, text } from './soap/types.js';
import type { VsphereUri } from './uri.js';

/** The part of an inventory that a URI is about. */
export interface Scope {
  readonly datacenter: Ref;
  /** From the inventory's root on, as a URL of the datacenter's files has it. */
  readonly datacenterPath: string;
  /** Where new machines are put. */
  readonly vmFolder: Ref;
  /** A cluster, or what a host of its own has in place of one. */
  readonly compute: Ref;
  readonly resourcePool: Ref;
  /** The one host that is meant; undefined for a cluster as a whole. */
  readonly host: Ref | undefined;
}

const kindOf: Readonly<Record<string, VsphereUri['kind']>> = { HostAgent: 'esx', VirtualCenter: 'vcenter' };
const schemes = { esx: 'esx:', vcenter: 'vpx:' } as const;
const computeTypes = ['ComputeResource', 'ClusterComputeResource'];

/** @throws DriverError Invalid when there is another product, or no such path; it says what is there */
export async function findScope(session: Session, uri: VsphereUri, signal: AbortSignal): Promise<Scope> {
  const { apiType, fullName } = session.content.about;
  const is = meaningOf(kindOf, apiType);
  if (is !== uri.kind)
    throw new DriverError('Invalid', `uri: scheme "${schemes[uri.kind]}" was given, and at ${session.peer} is ${fullName}; ${remedy(is)}`);
  const walk = new Walk(session, signal);
  return uri.kind === 'esx' ? walk.only() : walk.down(uri.path);
}

function remedy(is: VsphereUri['kind'] | undefined): string {
  return is === undefined ? 'accepted: an ESX host or a vCenter' : `use "${schemes[is]}"`;
}

class Walk {
  readonly #session: Session;
  readonly #signal: AbortSignal;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** An ESX host has one of everything. */
  async only(): Promise<Scope> {
    const [datacenter] = await this.#children(this.#session.content.rootFolder);
    const [compute] = datacenter === undefined ? [] : await this.#children(datacenter.ref);
    const [host] = compute === undefined ? [] : await this.#children(compute.ref);
    if (datacenter === undefined || compute === undefined || host === undefined)
      throw new DriverError('Denied', 'the host shows no inventory: give the user a role with System.View and System.Read on it');
    return this.#scope(datacenter.ref, rawNameOf(datacenter), compute.ref, host.ref);
  }

  /** Name by name, folders included. */
  async down(path: readonly string[]): Promise<Scope> {
    const way: Ref[] = [this.#session.content.rootFolder];
    for (const [depth, name] of path.entries()) way.push(await this.#child(way.at(-1) as Ref, path.slice(0, depth), name));
    const found = (...types: readonly string[]) => way.find(({ type }) => types.includes(type));
    const [datacenter, compute] = [found('Datacenter'), found(...computeTypes)];
    if (datacenter === undefined || compute === undefined)
      throw new DriverError('Invalid', `uri: path "${path.join('/')}" leads to no cluster or host, but to a ${way.at(-1)?.type}`);
    const names = path.slice(0, way.indexOf(datacenter)).map(encodeName);
    return this.#scope(datacenter, names.join('/'), compute, found('HostSystem'));
  }

  async #child(parent: Ref, above: readonly string[], name: string): Promise<Ref> {
    const children = await this.#children(parent);
    const found = children.find((child) => nameOf(child) === name);
    if (found !== undefined) return found.ref;
    const has = children.map((child) => `"${nameOf(child)}"`).join(', ') || 'nothing that this user may see';
    const where = above.length === 0 ? 'at the root of the inventory' : `in "${above.join('/')}"`;
    throw new DriverError('Invalid', `uri: there is no "${name}" ${where}; there is ${has}`);
  }

  /** What the next name may be. A datacenter's hosts stand in a folder that nobody names. */
  async #children(parent: Ref): Promise<readonly Properties[]> {
    if (parent.type === 'Datacenter') return this.#children(await this.#ref(parent, 'hostFolder'));
    const path = computeTypes.includes(parent.type) ? 'host' : 'childEntity';
    const refs = (await retrieveOne(this.#session, parent, [path], this.#signal))?.refs(path) ?? [];
    return (await Promise.all([...group(refs).values()].map((each) => retrieveAll(this.#session, each, ['name'], this.#signal)))).flat();
  }

  async #ref(of: Ref, path: string): Promise<Ref> {
    const found = (await retrieveOne(this.#session, of, [path], this.#signal))?.get(path, ref);
    if (found === undefined) throw new DriverError('Denied', `the host does not show ${path} of ${of.type} ${of.value} to this user`);
    return found;
  }

  async #scope(datacenter: Ref, datacenterPath: string, compute: Ref, host: Ref | undefined): Promise<Scope> {
    const [vmFolder, resourcePool] = await Promise.all([this.#ref(datacenter, 'vmFolder'), this.#ref(compute, 'resourcePool')]);
    return { datacenter, datacenterPath, vmFolder, compute, resourcePool, host };
  }
}

const rawNameOf = (entity: Properties): string => entity.get('name', text) ?? '';
const nameOf = (entity: Properties): string => decodeName(rawNameOf(entity));

function group(refs: readonly Ref[]): ReadonlyMap<string, readonly Ref[]> {
  const groups = new Map<string, Ref[]>();
  for (const each of refs) groups.set(each.type, [...(groups.get(each.type) ?? []), each]);
  return groups;
}
