import type { Pool, PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { collide, describeSource, movedFrom, pathOf } from '#drivers/pool-source.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { checkAccess } from './access.js';
import type { Daemon } from './daemon.js';
import { hasCode, present, unlessAlready, unlessGone } from './gone.js';
import { listPoolsFlags, poolXmlFlags } from './rpc/flags.js';
import {
  connectListAllStoragePools,
  storagePoolBuild,
  storagePoolCreate,
  storagePoolDefineXml,
  storagePoolDestroy,
  storagePoolGetXmlDesc,
  storagePoolLookupByUuid,
  storagePoolUndefine,
} from './rpc/procedures.js';
import type { PoolHandle } from './rpc/types.js';
import { forgetSecret, keepSecret } from './secrets.js';
import { createPool, readPool, withAuth } from './xml/pool.js';
import { checkPoolDefinition } from './xml/pool-definition.js';

interface Listed {
  readonly handle: PoolHandle;
  readonly active: boolean;
}

/** Not now, and not soon: an earlier call has not been answered either. */
const isSilence = (reason: unknown): boolean => hasCode(reason, 'TimedOut') || hasCode(reason, 'Busy');

export class LibvirtPools implements Pools {
  readonly #daemon: Daemon;
  /** As they were last seen. */
  #known: readonly Pool[] = [];

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async list(signal: AbortSignal): Promise<readonly Pool[]> {
    const listed = await this.#listed(signal);
    const pools = present(await Promise.all(listed.map(({ handle, active }) => unlessGone(this.#look(handle, active, signal)))));
    this.#known = pools;
    return pools;
  }

  /** A daemon asked for all of its pools waits for each: where one hangs, those that were known are asked one by one. */
  async #listed(signal: AbortSignal): Promise<readonly Listed[]> {
    try {
      const [all, active] = await Promise.all([this.#handles(0, signal), this.#handles(listPoolsFlags.active, signal)]);
      const running = new Set(active.map((pool) => pool.uuid));
      return all.map((handle) => ({ handle, active: running.has(handle.uuid) }));
    } catch (reason) {
      if (!isSilence(reason) || signal.aborted || this.#known.length === 0) throw reason;
      return this.#known.map(({ uuid, nativeName, active }) => ({ handle: { uuid, name: nativeName }, active }));
    }
  }

  #handles(flags: number, signal: AbortSignal): Promise<readonly PoolHandle[]> {
    return this.#daemon.ask(connectListAllStoragePools, { elementsWanted: undefined, flags }, signal, 'the list of pools');
  }

  async #look(pool: PoolHandle, active: boolean, signal: AbortSignal): Promise<Pool> {
    try {
      const xml = await this.#daemon.ask(storagePoolGetXmlDesc, { pool, flags: 0 }, signal, pool.uuid);
      return readPool(xml, active, this.#daemon.fillsDirectories);
    } catch (reason) {
      const last = this.#known.find(({ uuid }) => uuid === pool.uuid);
      if (!isSilence(reason) || signal.aborted || last === undefined) throw reason;
      return { ...last, silent: true };
    }
  }

  async define(definition: PoolDefinition, signal: AbortSignal): Promise<PoolId> {
    checkPoolDefinition(definition);
    const pools = await this.list(signal);
    const found = pools.find(({ uuid }) => uuid === definition.uuid.toLowerCase());
    if (found === undefined) refuseTaken(definition, pools);
    else refuseMoved(definition, found);
    await keepSecret(this.#daemon, definition, signal);
    const pool = found === undefined ? await this.#create(definition, signal) : { name: found.nativeName, uuid: found.uuid };
    const id = pool.uuid as PoolId;
    if (found?.active === false && definition.credentials !== undefined) await this.#letIn(pool, definition, signal);
    if (found?.active !== true && pathOf(definition.source) !== undefined) await this.#makeDirectory(pool, id, signal);
    return id;
  }

  async #create(definition: PoolDefinition, signal: AbortSignal): Promise<PoolHandle> {
    const xml = serializeXml(createPool(definition));
    return this.#daemon.ask(storagePoolDefineXml, { xml, flags: 0 }, signal);
  }

  /** By another name than before, perhaps. */
  async #letIn(pool: PoolHandle, definition: PoolDefinition, signal: AbortSignal): Promise<void> {
    const is = parseXml(
      await this.#daemon.ask(storagePoolGetXmlDesc, { pool, flags: poolXmlFlags.inactive }, signal, pool.uuid),
      'pool XML',
    );
    const edited = withAuth(is, definition);
    if (edited !== is) await this.#daemon.ask(storagePoolDefineXml, { xml: serializeXml(edited), flags: 0 }, signal);
  }

  /** Without a flag libvirt makes a pool's directory and nothing in it; of a pool of devices it would make the volume group, or the partition table. */
  async #makeDirectory(pool: PoolHandle, id: PoolId, signal: AbortSignal): Promise<void> {
    await unlessAlready(() => this.#isActive(id, signal), this.#daemon.order(storagePoolBuild, { pool, flags: 0 }, signal, id));
  }

  async start(id: PoolId, signal: AbortSignal): Promise<void> {
    const pool = await this.#handle(id, signal);
    const { source } = await this.#look(pool, false, signal);
    if (source?.kind === 'directory') await checkAccess(this.#daemon, pool.name, source.path, signal);
    await unlessAlready(() => this.#isActive(id, signal), this.#daemon.order(storagePoolCreate, { pool, flags: 0 }, signal, id));
  }

  /** A pool's id is its uuid; some of libvirt's drivers look it up by its name. */
  #handle(id: PoolId, signal: AbortSignal): Promise<PoolHandle> {
    return this.#daemon.ask(storagePoolLookupByUuid, { uuid: id }, signal, id);
  }

  async undefine(id: PoolId, signal: AbortSignal): Promise<void> {
    const forget = async () => {
      const pool = await this.#handle(id, signal);
      await unlessAlready(async () => !(await this.#isActive(id, signal)), this.#daemon.order(storagePoolDestroy, { pool }, signal, id));
      await this.#daemon.order(storagePoolUndefine, { pool }, signal, id);
    };
    await unlessGone(forget());
    await forgetSecret(this.#daemon, id, signal);
  }

  async #isActive(id: PoolId, signal: AbortSignal): Promise<boolean> {
    return (await this.#handles(listPoolsFlags.active, signal)).some(({ uuid }) => uuid === id);
  }
}

function refuseTaken({ nativeName, source }: PoolDefinition, pools: readonly Pool[]): void {
  const taken = pools.find((pool) => pool.nativeName === nativeName || (pool.source !== undefined && collide(pool.source, source)));
  if (taken === undefined) return;
  const store = taken.source === undefined ? 'a store of another kind' : describeSource(taken.source);
  throw new DriverError('NotOurs', `pool "${taken.nativeName}" on the host (uuid ${taken.uuid}) has ${store}; it is left alone`);
}

function refuseMoved({ nativeName, source }: PoolDefinition, found: Pool): void {
  const moved = movedFrom(source, found.source);
  if (moved === undefined) return;
  const { field, given, is } = moved;
  throw new DriverError('Invalid', `pool "${nativeName}": ${field}: ${given} was given, but the pool has ${is}; a pool does not move`);
}
