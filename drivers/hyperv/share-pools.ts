import type { Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { collide, describeSource, movedFrom } from '#drivers/pool-source.js';
import type { Credentials } from '#drivers/target.js';
import { type Contents, NoContents } from './contents.js';
import type { ClosableContents } from './file-access.js';
import { SharedFolder } from './file-server.js';
import type { Disk, HostFiles } from './files.js';
import { checkedPath } from './share-path.js';

/** A server that offers folders: which files are in them, and what is in these. */
export interface ServerFiles {
  readonly files: HostFiles & AsyncDisposable;
  readonly contents: ClosableContents;
}

/** As whom is given, or as who asks the host. */
export type ServerAccess = (server: string, credentials: Credentials | undefined) => ServerFiles;

export type PoolAbilities = Pick<Pool, 'formats' | 'can' | 'noStream'>;

interface SharePool {
  readonly definition: PoolDefinition;
  readonly server: ServerFiles;
  readonly folder: SharedFolder;
}

/**
 * Pools of folders on shares. Nothing is made for one, on the host or on the share, and neither keeps a mark of it: which there are is known as
 * long as we are connected, and who comes after us defines them again.
 */
export class SharePools implements AsyncDisposable {
  readonly #access: ServerAccess;
  /** By UNC path. */
  readonly #pools = new Map<string, SharePool>();
  /** Of those that were started, by UNC path, as last seen. */
  readonly #rooms = new Map<string, Disk>();

  constructor(access: ServerAccess) {
    this.#access = access;
  }

  async list(abilities: (path: string) => PoolAbilities, signal: AbortSignal): Promise<readonly Pool[]> {
    return Promise.all([...this.#pools].map(([path, pool]) => this.#listed(path, pool, abilities, signal)));
  }

  /** @throws DriverError Invalid, NotOurs, Unsupported */
  async define(definition: PoolDefinition): Promise<PoolId> {
    const path = checkedPath(definition);
    const found = this.#of(definition.uuid);
    const moved = movedFrom(definition.source, found?.definition.source ?? definition.source);
    if (moved !== undefined)
      throw new DriverError('Invalid', `${moved.field}: ${moved.given} given, the pool has ${moved.is} and is not moved`);
    this.#checkFree(definition);
    if (found !== undefined && isSame(found.definition.credentials, definition.credentials)) return path as PoolId;
    const server = this.#access(path.slice(2).split('\\')[0] ?? '', definition.credentials);
    this.#pools.set(path, { definition, server, folder: new SharedFolder(path, server.files) });
    await closed(found);
    return path as PoolId;
  }

  /** @throws DriverError NotFound, and as the server answers */
  async start(id: PoolId, signal: AbortSignal): Promise<void> {
    this.#rooms.set(id, await this.#must(id).folder.look(signal));
  }

  async undefine(id: PoolId): Promise<void> {
    const pool = this.#pools.get(id);
    this.#pools.delete(id);
    this.#rooms.delete(id);
    await closed(pool);
  }

  /** What is in files of the pool in which that path lies, or of the pool itself. One pool's folder may be in another's, with an account of its own: the inner one is meant. */
  contents(unc: string): Contents {
    const around = [...this.#pools].filter(([path]) => unc === path || unc.startsWith(`${path}\\`));
    const [, pool] = around.sort(([one], [other]) => other.length - one.length)[0] ?? [];
    return pool?.server.contents ?? new NoContents(`"${unc}" is in no pool`);
  }

  /** @throws DriverError NotFound, or Conflict as long as it is not started */
  folder(id: string): SharedFolder {
    const { folder, definition } = this.#must(id);
    if (!this.#rooms.has(id)) throw new DriverError('Conflict', `pool "${definition.nativeName}" is not active`);
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map(closed));
  }

  /**
   * A server that does not answer, or has too much to do, is silent, and its room as it was. One that lets us in no more, or has no such folder, has to be started again,
   * which tells why not.
   */
  async #listed(path: string, pool: SharePool, abilities: (path: string) => PoolAbilities, signal: AbortSignal): Promise<Pool> {
    const { uuid, nativeName, source } = pool.definition;
    const looked = this.#rooms.has(path) ? await unlessSilent(pool.folder.look(signal), signal) : undefined;
    if (looked === 'LockedOut') this.#rooms.delete(path);
    else if (looked !== undefined && this.#rooms.has(path)) this.#rooms.set(path, looked);
    const room = this.#rooms.get(path);
    const active = room !== undefined;
    const { sizeBytes, freeBytes } = room ?? { sizeBytes: 0, freeBytes: 0 };
    return {
      ...{ id: path as PoolId, uuid, nativeName, active, path, source },
      ...abilities(path),
      ...(active && looked === undefined ? { silent: true as const } : {}),
      capacityBytes: sizeBytes,
      allocationBytes: sizeBytes - freeBytes,
      availableBytes: freeBytes,
    };
  }

  #must(id: string): SharePool {
    const pool = this.#pools.get(id);
    if (pool === undefined) throw new DriverError('NotFound', `there is no pool of ${id}`);
    return pool;
  }

  #of(wanted: string): SharePool | undefined {
    return [...this.#pools.values()].find(({ definition: { uuid } }) => uuid === wanted);
  }

  #checkFree({ uuid, nativeName, source }: PoolDefinition): void {
    const taken = [...this.#pools.values()].find(
      ({ definition: other }) => other.uuid !== uuid && (other.nativeName === nativeName || collide(other.source, source)),
    )?.definition;
    if (taken === undefined) return;
    throw new DriverError('NotOurs', `pool "${taken.nativeName}", ${describeSource(taken.source)}, belongs to another (${taken.uuid})`);
  }
}

async function closed(pool: SharePool | undefined): Promise<void> {
  await Promise.all([pool?.server.files[Symbol.asyncDispose](), pool?.server.contents[Symbol.asyncDispose]()]);
}

/** What no moment heals. Whatever else a server answers, as one that has too much to do, says nothing of our folder. */
const lockOuts: ReadonlySet<string> = new Set<DriverErrorCode>(['Denied', 'NotFound', 'Unsupported', 'Invalid']);

const unlessSilent = <T>(answer: Promise<T>, signal: AbortSignal): Promise<T | 'LockedOut' | undefined> =>
  answer.catch((reason) => {
    if (signal.aborted) throw reason;
    return lockOuts.has(DriverError.from(reason).code) ? ('LockedOut' as const) : undefined;
  });

const isSame = (one: Credentials | undefined, other: Credentials | undefined): boolean =>
  other === undefined || one?.equals(other) === true;
