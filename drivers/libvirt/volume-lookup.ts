import type { Pool, PoolId, Volume, VolumeId } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { present, unlessGone } from './gone.js';
import type { Procedure } from './rpc/procedure.js';
import { storagePoolGetXmlDesc, storagePoolLookupByUuid, storageVolGetXmlDesc, storageVolLookupByName } from './rpc/procedures.js';
import type { PoolHandle, VolumeHandle } from './rpc/types.js';
import { readPool } from './xml/pool.js';
import { imageLocation } from './xml/rbd.js';
import { isImage, readVolume } from './xml/volume.js';

/** A volume as the host has it at this moment. */
export interface FoundVolume {
  readonly handle: VolumeHandle;
  readonly xml: XmlElement;
}

export interface FoundPool {
  readonly handle: PoolHandle;
  readonly formats: Pool['formats'];
  /** Its volumes are made at their size, and keep it. */
  readonly ofDevices: boolean;
}

const parsePool = (xml: string): XmlElement => parseXml(xml, 'pool XML');

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
    const { formats, can } = readPool(await this.#poolXml(id, handle, signal), true, this.#daemon.fillsDirectories);
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

  /** Those that are still there. */
  async readAll(id: PoolId, pool: PoolHandle, volumes: readonly VolumeHandle[], signal: AbortSignal): Promise<readonly Volume[]> {
    let asked: Promise<XmlElement> | undefined;
    const native = () => {
      asked ??= this.#poolXml(id, pool, signal).then(parsePool);
      return asked;
    };
    return present(await Promise.all(volumes.map((volume) => unlessGone(this.#read(id, volume, native, signal)))));
  }

  read(id: PoolId, pool: PoolHandle, volume: VolumeHandle, signal: AbortSignal): Promise<Volume> {
    return this.#read(id, volume, async () => parsePool(await this.#poolXml(id, pool, signal)), signal);
  }

  /** Where an image is, its pool alone tells. */
  async #read(id: PoolId, volume: VolumeHandle, pool: () => Promise<XmlElement>, signal: AbortSignal): Promise<Volume> {
    const xml = await this.xml(id, volume, signal);
    const read = readVolume(xml, id);
    return isImage(xml) ? { ...read, location: imageLocation(await pool(), volume.name) ?? read.location } : read;
  }

  async xml(pool: PoolId, volume: VolumeHandle, signal: AbortSignal): Promise<XmlElement> {
    return parseXml(await this.ask(pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal), 'volume XML');
  }

  /** One at a time in a pool: those about a store that hangs wait for themselves alone, and do not fill what is there for all. */
  ask<Args, Result>(pool: PoolId, procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal): Promise<Result> {
    return this.#daemon.ask(procedure, args, signal, `volumes of pool ${pool}`);
  }
}
