import { normalize } from 'node:path/posix';
import type { Pool, PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { Daemon } from './daemon.js';
import { hasCode, present, unlessGone } from './gone.js';
import { listPoolsFlags } from './rpc/flags.js';
import {
  connectListAllStoragePools,
  storagePoolBuild,
  storagePoolCreate,
  storagePoolDefineXml,
  storagePoolDestroy,
  storagePoolGetXmlDesc,
  storagePoolUndefine,
} from './rpc/procedures.js';
import type { PoolHandle } from './rpc/types.js';
import { checkName, checkPath, maxNameBytes } from './xml/definition.js';
import { createPool, readPool } from './xml/pool.js';

/** A pool's id is its uuid, by which the daemon looks it up. */
function handleOf(id: PoolId): PoolHandle {
  return { name: id, uuid: id };
}

export class LibvirtPools implements Pools {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async list(signal: AbortSignal): Promise<readonly Pool[]> {
    const [all, active] = await Promise.all([this.#handles(0, signal), this.#handles(listPoolsFlags.active, signal)]);
    const running = new Set(active.map((pool) => pool.uuid));
    return present(await Promise.all(all.map((pool) => unlessGone(this.#read(pool, running.has(pool.uuid), signal)))));
  }

  #handles(flags: number, signal: AbortSignal): Promise<readonly PoolHandle[]> {
    return this.#daemon.ask(connectListAllStoragePools, { elementsWanted: undefined, flags }, signal);
  }

  async #read(pool: PoolHandle, active: boolean, signal: AbortSignal): Promise<Pool> {
    return readPool(await this.#daemon.ask(storagePoolGetXmlDesc, { pool, flags: 0 }, signal, pool.uuid), active);
  }

  async define(definition: PoolDefinition, signal: AbortSignal): Promise<PoolId> {
    checkName('nativeName', definition.nativeName, maxNameBytes);
    checkPath('directory.path', definition.directory.path);
    const pools = await this.list(signal);
    const found = pools.find(({ uuid }) => uuid === definition.uuid.toLowerCase());
    if (found === undefined) refuseTaken(definition, pools);
    else refuseMoved(definition, found);
    const id = found?.id ?? (await this.#create(definition, signal));
    if (found?.active !== true)
      await this.#unlessAlready(true, id, this.#daemon.order(storagePoolBuild, { pool: handleOf(id), flags: 0 }, signal, id), signal);
    return id;
  }

  async #create(definition: PoolDefinition, signal: AbortSignal): Promise<PoolId> {
    const xml = serializeXml(createPool(definition));
    return (await this.#daemon.ask(storagePoolDefineXml, { xml, flags: 0 }, signal)).uuid as PoolId;
  }

  async start(id: PoolId, signal: AbortSignal): Promise<void> {
    await this.#unlessAlready(true, id, this.#daemon.order(storagePoolCreate, { pool: handleOf(id), flags: 0 }, signal, id), signal);
  }

  async undefine(id: PoolId, signal: AbortSignal): Promise<void> {
    const pool = handleOf(id);
    const forget = async () => {
      await this.#unlessAlready(false, id, this.#daemon.order(storagePoolDestroy, { pool }, signal, id), signal);
      await this.#daemon.order(storagePoolUndefine, { pool }, signal, id);
    };
    await unlessGone(forget());
  }

  /** When the host says that it is not the time for it, but the pool is active, or not, as wanted, that is success. */
  async #unlessAlready(active: boolean, id: PoolId, act: Promise<unknown>, signal: AbortSignal): Promise<void> {
    try {
      await act;
    } catch (reason) {
      if (!hasCode(reason, 'Conflict') || (await this.#isActive(id, signal)) !== active) throw reason;
    }
  }

  async #isActive(id: PoolId, signal: AbortSignal): Promise<boolean> {
    return (await this.#handles(listPoolsFlags.active, signal)).some(({ uuid }) => uuid === id);
  }
}

function refuseTaken({ nativeName, directory }: PoolDefinition, pools: readonly Pool[]): void {
  const taken = pools.find((pool) => pool.nativeName === nativeName || (pool.path !== undefined && samePath(pool.path, directory.path)));
  if (taken !== undefined)
    throw new DriverError(
      'NotOurs',
      `pool "${taken.nativeName}" on the host (uuid ${taken.uuid}) has ${taken.path ?? 'no path'}; it is left alone`,
    );
}

function refuseMoved({ nativeName, directory }: PoolDefinition, found: Pool): void {
  if (found.path !== undefined && samePath(found.path, directory.path)) return;
  const where = found.path ?? 'another kind of store';
  throw new DriverError(
    'Invalid',
    `pool "${nativeName}": directory.path ${directory.path} was given, but the pool is at ${where}; a pool does not move`,
  );
}

function samePath(one: string, other: string): boolean {
  return normalize(`${one}/`) === normalize(`${other}/`);
}
