import { throwIfAborted } from '#drivers/deadline.js';
import type { MachineId, Pool, PoolId, Volume, VolumeDefinition, VolumeFormat, VolumeId, VolumeSource, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { Daemon } from './daemon.js';
import { handleOf, isActive, readDomain } from './domains.js';
import { present, unlessGone } from './gone.js';
import { probedBytes, wouldProbe } from './probed.js';
import { blockResizeFlags } from './rpc/flags.js';
import type { Procedure } from './rpc/procedure.js';
import {
  domainBlockResize,
  storagePoolGetXmlDesc,
  storagePoolListAllVolumes,
  storagePoolLookupByUuid,
  storagePoolRefresh,
  storageVolCreateXml,
  storageVolCreateXmlFrom,
  storageVolDelete,
  storageVolDownload,
  storageVolGetXmlDesc,
  storageVolLookupByName,
  storageVolResize,
  storageVolUpload,
  storageVolWipe,
} from './rpc/procedures.js';
import type { PoolHandle, VolumeHandle } from './rpc/types.js';
import { checkDeviceName, checkName } from './xml/definition.js';
import { readPool } from './xml/pool.js';
import { readShape } from './xml/read.js';
import { createDevice, createLinkedVolume, createVolume, isDevice, readStoredBytes, readVolume } from './xml/volume.js';

const maxFileNameBytes = 255;

async function* counted(content: AsyncIterable<Uint8Array>, sent: { bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    yield chunk;
    sent.bytes += chunk.length;
  }
}

/** Zeros to the end of a device: what was there before is somebody's. */
async function* padded(content: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = sizeBytes;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) throw new DriverError('Exhausted', `the content is longer than the volume, which has ${sizeBytes} bytes`);
    yield chunk;
  }
  const zeros = new Uint8Array(Math.min(1 << 20, left));
  for (; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(zeros.length, left));
}

/** Every pool takes an empty one, which holds a name. */
function refuseFormat({ format, sizeBytes }: VolumeDefinition, formats: readonly VolumeFormat[]): void {
  if (formats.length === 0 || formats.includes(format) || (format === 'Raw' && sizeBytes === 0)) return;
  throw new DriverError('Unsupported', `format: ${format} was given; this pool accepts ${formats.join(', ')}`);
}

const shrinks = ({ nativeName }: VolumeId, hasBytes: number, askedBytes: number): DriverError =>
  new DriverError('Invalid', `volume "${nativeName}" has ${hasBytes} bytes, ${askedBytes} asked; a volume never shrinks`);

function mustHold({ nativeName, sizeBytes }: VolumeDefinition, { id }: VolumeSource, sourceBytes: number): void {
  if (sourceBytes <= sizeBytes) return;
  const has = `volume "${id.nativeName}" has ${sourceBytes}`;
  throw new DriverError('Invalid', `volume "${nativeName}": ${sizeBytes} bytes were given, and ${has}; accepted: at least as many`);
}

/** libvirt itself says of a disk that is not there that its path is invalid. */
async function mustBeAttached(daemon: Daemon, location: string, machine: MachineId, signal: AbortSignal): Promise<void> {
  const domain = await readDomain(daemon, machine, 'current', signal);
  if (!readShape(domain).disks.some((disk) => disk.location === location))
    throw new DriverError('NotFound', `machine ${machine} has no disk ${location}`);
  if (!isActive(domain)) throw new DriverError('Conflict', `machine ${machine} is Off: the volume itself can be grown`);
}

export class LibvirtVolumes implements Volumes {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async list(pool: PoolId, { refresh }: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]> {
    const handle = await this.#pool(pool, signal);
    if (refresh) await this.#daemon.order(storagePoolRefresh, { pool: handle, flags: 0 }, signal, pool);
    const volumes = await this.#ask(pool, storagePoolListAllVolumes, { pool: handle, elementsWanted: undefined, flags: 0 }, signal);
    return present(await Promise.all(volumes.map((volume) => unlessGone(this.#read(pool, volume, signal)))));
  }

  async create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    const pool = await this.#pool(definition.pool, signal);
    const { formats, ofDevices } = await this.#kindOf(pool, definition.pool, signal);
    refuseFormat(definition, formats);
    if (ofDevices) checkDeviceName(definition.nativeName);
    const xml = serializeXml(ofDevices ? createDevice(definition) : createVolume(definition));
    const made = await this.#daemon.order(storageVolCreateXml, { pool, xml, flags: 0 }, signal, definition.pool);
    return this.#read(definition.pool, made, signal);
  }

  async copy(definition: VolumeDefinition, from: VolumeSource, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    const volume = await this.#volume(from.id, signal);
    const source = await this.#read(from.id.pool, volume, signal);
    mustHold(definition, from, await this.#sizeOf(from, volume, source, signal));
    const { ofDevices } = await this.#kindOf(await this.#pool(definition.pool, signal), definition.pool, signal);
    if (ofDevices && from.format !== 'Raw')
      throw new DriverError(
        'Unsupported',
        `volume "${from.id.nativeName}" is ${from.format}; a pool of devices takes copies of Raw ones alone`,
      );
    if (!ofDevices && (await this.#isTakenFor(source, from.format, signal))) {
      await this.#convert(definition, volume, signal);
      await this.grow(definition, definition.sizeBytes, signal);
    } else await this.#copyBytes(definition, from, signal);
    return this.#read(definition.pool, await this.#volume(definition, signal), signal);
  }

  async #convert(definition: VolumeDefinition, volume: VolumeHandle, signal: AbortSignal): Promise<void> {
    const pool = await this.#pool(definition.pool, signal);
    const xml = serializeXml(createVolume(definition));
    await this.#daemon.connection.callAlone(storageVolCreateXmlFrom, { pool, xml, volume, flags: 0 }, signal);
  }

  /** As it is, so that nobody looks into it: what a guest wrote at the head of its disk may be the name of another file. */
  async #copyBytes(definition: VolumeDefinition, { id, format }: VolumeSource, signal: AbortSignal): Promise<void> {
    if (format !== 'Raw' || definition.format !== 'Raw')
      throw new DriverError(
        'Invalid',
        `volume "${id.nativeName}" was made as ${format}, and looks like something else to the host: it cannot be converted to ${definition.format}`,
      );
    await this.create(definition, signal);
    await this.#send(definition, this.download(id, { offset: 0, length: Number.MAX_SAFE_INTEGER }, signal), signal);
  }

  /** Of a Raw volume what is stored, whatever its guest made it look like. */
  async #sizeOf({ format }: VolumeSource, volume: VolumeHandle, { sizeBytes }: Volume, signal: AbortSignal): Promise<number> {
    if (format !== 'Raw') return sizeBytes;
    return readStoredBytes(await this.#daemon.ask(storageVolGetXmlDesc, { volume, flags: 0 }, signal)) ?? sizeBytes;
  }

  /** libvirt finds formats out by looking, at every refresh of a pool. */
  async #isTakenFor({ id, format: looks }: Volume, format: VolumeFormat, signal: AbortSignal): Promise<boolean> {
    if (looks !== format) return false;
    const head: Uint8Array[] = [];
    for await (const chunk of this.download(id, { offset: 0, length: probedBytes }, signal)) head.push(chunk);
    return wouldProbe(Buffer.concat(head)) === format;
  }

  async link(definition: VolumeDefinition, base: VolumeSource, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    const volume = await this.#volume(base.id, signal);
    const source = await this.#read(base.id.pool, volume, signal);
    mustHold(definition, base, await this.#sizeOf(base, volume, source, signal));
    const pool = await this.#pool(definition.pool, signal);
    refuseFormat(definition, (await this.#kindOf(pool, definition.pool, signal)).formats);
    const xml = serializeXml(createLinkedVolume(definition, { location: source.location, format: base.format }));
    return this.#read(definition.pool, await this.#daemon.order(storageVolCreateXml, { pool, xml, flags: 0 }, signal), signal);
  }

  async upload(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const volume = await this.#volume(id, signal);
    if (isDevice(await this.#ask(id.pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal))) return this.#send(id, content, signal);
    await this.#emptied(id, signal);
    await this.#send(id, content, signal);
    await this.#lookAgain(id, signal);
  }

  async #send(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const volume = await this.#volume(id, signal);
    const xml = await this.#ask(id.pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal);
    const whole = isDevice(xml) ? padded(content, readVolume(xml, id.pool).sizeBytes) : content;
    const what = { volume, offset: 0, length: 0, flags: 0 };
    const sent = { bytes: 0 };
    await this.#daemon.connection.upload(storageVolUpload, what, counted(whole, sent), signal).catch((reason) => {
      // Also what the source of the content throws.
      throw DriverError.from(reason);
    });
    await this.#mustHave(id, sent.bytes, signal);
  }

  /** libvirt 9.0 now and then confirms an upload of which its own writer has failed: seen with a full store, 3 times in 40. */
  async #mustHave(id: VolumeId, bytes: number, signal: AbortSignal): Promise<void> {
    const volume = await this.#volume(id, signal);
    const stored = readStoredBytes(await this.#ask(id.pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal));
    if (stored === undefined || stored >= bytes) return;
    throw new DriverError('Exhausted', `volume "${id.nativeName}": ${stored} of ${bytes} bytes are there; its pool is likely full`);
  }

  /** The host writes over what is there, and would leave what is longer. An empty volume in the place of the old one has nothing to leave. */
  async #emptied(id: VolumeId, signal: AbortSignal): Promise<void> {
    const volume = await this.#volume(id, signal);
    const is = await this.#read(id.pool, volume, signal);
    if (is.sizeBytes === 0 && is.allocationBytes === 0) return;
    await this.#daemon.order(storageVolDelete, { volume, flags: 0 }, signal, id.pool);
    await this.create({ ...id, format: 'Raw', sizeBytes: 0 }, signal);
  }

  /** The host has the content; that it knows format and size, too, comes by itself in time, so that a busy pool is no failure. */
  async #lookAgain({ pool }: VolumeId, signal: AbortSignal): Promise<void> {
    const refreshed = this.#daemon.order(storagePoolRefresh, { pool: await this.#pool(pool, signal), flags: 0 }, signal, pool);
    await refreshed.catch(() => throwIfAborted(signal));
  }

  async *download(
    id: VolumeId,
    { offset, length }: { readonly offset: number; readonly length: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const volume = await this.#volume(id, signal);
    // To libvirt, a length of 0 is everything.
    if (length > 0) yield* this.#daemon.connection.download(storageVolDownload, { volume, offset, length, flags: 0 }, signal);
  }

  async grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const volume = await this.#volume(id, signal);
    const is = await this.#read(id.pool, volume, signal);
    if (is.sizeBytes > sizeBytes) throw shrinks(id, is.sizeBytes, sizeBytes);
    if (is.sizeBytes < sizeBytes) await this.#daemon.order(storageVolResize, { volume, capacity: sizeBytes, flags: 0 }, signal, id.pool);
  }

  async growAttached(id: VolumeId, machine: MachineId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const is = await this.#read(id.pool, await this.#volume(id, signal), signal);
    if (is.sizeBytes > sizeBytes) throw shrinks(id, is.sizeBytes, sizeBytes);
    await mustBeAttached(this.#daemon, is.location, machine, signal);
    if (is.sizeBytes === sizeBytes) return;
    const what = { domain: handleOf(machine), disk: is.location, size: sizeBytes, flags: blockResizeFlags.bytes };
    await this.#daemon.order(domainBlockResize, what, signal, machine);
  }

  async wipe(id: VolumeId, signal: AbortSignal): Promise<void> {
    await this.#daemon.connection.callAlone(storageVolWipe, { volume: await this.#volume(id, signal), flags: 0 }, signal);
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    const pool = await this.#pool(id.pool, signal);
    const volume = await unlessGone(this.#ask(id.pool, storageVolLookupByName, { pool, name: id.nativeName }, signal));
    if (volume !== undefined) await unlessGone(this.#daemon.order(storageVolDelete, { volume, flags: 0 }, signal, id.pool));
  }

  async #kindOf(
    pool: PoolHandle,
    id: PoolId,
    signal: AbortSignal,
  ): Promise<{ readonly formats: Pool['formats']; readonly ofDevices: boolean }> {
    const { formats, can } = readPool(await this.#ask(id, storagePoolGetXmlDesc, { pool, flags: 0 }, signal), true);
    return { formats, ofDevices: can.includes('create') && !can.includes('grow') };
  }

  /** To volumes, a pool is its name. */
  #pool(id: PoolId, signal: AbortSignal): Promise<PoolHandle> {
    return this.#ask(id, storagePoolLookupByUuid, { uuid: id }, signal);
  }

  async #volume({ pool, nativeName }: VolumeId, signal: AbortSignal): Promise<VolumeHandle> {
    return this.#ask(pool, storageVolLookupByName, { pool: await this.#pool(pool, signal), name: nativeName }, signal);
  }

  async #read(pool: PoolId, volume: VolumeHandle, signal: AbortSignal): Promise<Volume> {
    return readVolume(await this.#ask(pool, storageVolGetXmlDesc, { volume, flags: 0 }, signal), pool);
  }

  /** One at a time in a pool: those about a store that hangs wait for themselves alone, and do not fill what is there for all. */
  #ask<Args, Result>(pool: PoolId, procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal): Promise<Result> {
    return this.#daemon.ask(procedure, args, signal, `volumes of pool ${pool}`);
  }
}
