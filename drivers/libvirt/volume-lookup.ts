import type { Pool, PoolId, Volume, VolumeId } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import type { Daemon } from './daemon.js';
import type { Procedure } from './rpc/procedure.js';
import { storagePoolGetXmlDesc, storagePoolLookupByUuid, storageVolGetXmlDesc, storageVolLookupByName } from './rpc/procedures.js';
import type { PoolHandle, VolumeHandle } from './rpc/types.js';
import { readPool } from './xml/pool.js';
import { imageLocation } from './xml/rbd.js';
import { isImage, readVolume } from './xml/volume.js';

/** A volume as the host has it at this moment. */
export interface FoundVolume {
  readonly handle: VolumeHandle;
  readonly xml: string;
}

export interface FoundPool {
  readonly handle: PoolHandle;
  readonly formats: Pool['formats'];
  /** Its volumes are made at their size, and keep it. */
  readonly ofDevices: boolean;
}

/** What is where. */
export class VolumeLookup {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** To volumes, a pool is its name. */
  pool(id: PoolId, signal: AbortSignal): Promise<PoolHandle> {
    return this.ask(id, storagePoolLookupByUuid, { uuid: id }, signal);
  }

  async findPool(id: PoolId, signal: AbortSignal): Promise<FoundPool> {
    const handle = await this.pool(id, signal);
    const { formats, can } = readPool(await this.#poolXml(id, handle, signal), true);
    return { handle, formats, ofDevices: can.includes('create') && !can.includes('grow') };
  }

  #poolXml(id: PoolId, pool: PoolHandle, signal: AbortSignal): Promise<string> {
    return this.ask(id, storagePoolGetXmlDesc, { pool, flags: 0 }, signal);
  }

  async volume({ pool, nativeName }: VolumeId, signal: AbortSignal): Promise<VolumeHandle> {
    return this.ask(pool, storageVolLookupByName, { pool: await this.pool(pool, signal), name: nativeName }, signal);
  }

  async find(id: VolumeId, signal: AbortSignal): Promise<FoundVolume> {
    const handle = await this.volume(id, signal);
    return { handle, xml: await this.xml(id.pool, handle, signal) };
  }

  async read(pool: PoolId, volume: VolumeHandle, signal: AbortSignal): Promise<Volume> {
    const xml = await this.xml(pool, volume, signal);
    const read = readVolume(xml, pool);
    if (!isImage(xml)) return read;
    const native = parseXml(await this.#poolXml(pool, await this.pool(pool, signal), signal), 'pool XML');
    return { ...read, location: imageLocation(native, volume.name) ?? read.location };
  }

  xml(pool: PoolId, volume: VolumeHandle, signal: AbortSignal): Promise<string> {
    return this.ask(pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal);
  }

  /** One at a time in a pool: those about a store that hangs wait for themselves alone, and do not fill what is there for all. */
  ask<Args, Result>(pool: PoolId, procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal): Promise<Result> {
    return this.#daemon.ask(procedure, args, signal, `volumes of pool ${pool}`);
  }
}
