import { throwIfAborted } from '#drivers/deadline.js';
import type { MachineId, PoolId, Volume, VolumeDefinition, VolumeFormat, VolumeId, VolumeSource, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { firstUserOf } from './dialects/container/uid-map.js';
import { directories } from './directories/directories.js';
import { handleOf, isActive, readDomain } from './domains.js';
import { unlessGone } from './gone.js';
import { wouldProbe } from './probed.js';
import { blockResizeFlags } from './rpc/flags.js';
import {
  domainBlockResize,
  storagePoolListAllVolumes,
  storagePoolRefresh,
  storageVolCreateXml,
  storageVolCreateXmlFrom,
  storageVolDelete,
  storageVolLookupByName,
  storageVolResize,
  storageVolWipe,
} from './rpc/procedures.js';
import type { PoolHandle, VolumeHandle } from './rpc/types.js';
import { VolumeContent } from './volume-content.js';
import { type FoundVolume, VolumeLookup } from './volume-lookup.js';
import { checkDeviceName, checkName } from './xml/definition.js';
import { readDisks } from './xml/disk.js';
import {
  createDevice,
  createDirectory,
  createLinkedVolume,
  createVolume,
  isDevice,
  isDirectory,
  readStoredBytes,
  readVolume,
} from './xml/volume.js';

const maxFileNameBytes = 255;

/** Every pool takes an empty one, which holds a name. */
function refuseFormat({ format, sizeBytes }: VolumeDefinition, formats: readonly VolumeFormat[]): void {
  if (formats.length === 0 || formats.includes(format) || (format === 'Raw' && sizeBytes === 0)) return;
  throw new DriverError('Unsupported', `format: ${format} was given; this pool accepts ${formats.join(', ')}`);
}

const makeVolume = (definition: VolumeDefinition): XmlElement =>
  definition.format === 'Directory'
    ? createDirectory(definition, { uid: firstUserOf(definition.tenant), mode: 0o755 })
    : createVolume(definition);

/** Neither a size nor an end. */
const noFile = ({ nativeName }: VolumeId, verb: string): DriverError =>
  new DriverError('Unsupported', `volume "${nativeName}" is a directory, which is not ${verb}`);

const shrinks = ({ nativeName }: VolumeId, hasBytes: number, askedBytes: number): DriverError =>
  new DriverError('Invalid', `volume "${nativeName}" has ${hasBytes} bytes, ${askedBytes} asked; a volume never shrinks`);

/** libvirt itself says of a disk that is not there that its path is invalid. */
async function mustBeAttached(daemon: Daemon, location: string, machine: MachineId, signal: AbortSignal): Promise<void> {
  const domain = await readDomain(daemon, machine, 'current', signal);
  if (!readDisks(child(domain, 'devices')).some((disk) => disk.location === location))
    throw new DriverError('NotFound', `machine ${machine} has no disk ${location}`);
  if (!isActive(domain)) throw new DriverError('Conflict', `machine ${machine} is Off: the volume itself can be grown`);
}

export class LibvirtVolumes implements Volumes {
  readonly #daemon: Daemon;
  readonly #lookup: VolumeLookup;
  readonly #content: VolumeContent;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    this.#lookup = new VolumeLookup(daemon);
    this.#content = new VolumeContent(daemon, this.#lookup);
  }

  async list(pool: PoolId, { refresh }: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]> {
    const handle = await this.#lookup.pool(pool, signal);
    if (refresh) await this.#daemon.order(storagePoolRefresh, { pool: handle, flags: 0 }, signal, pool);
    const all = { pool: handle, elementsWanted: undefined, flags: 0 };
    const volumes = await this.#lookup.ask(pool, storagePoolListAllVolumes, all, signal);
    return this.#lookup.readAll(pool, handle, volumes, signal);
  }

  async create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    refuseAllocation(definition);
    const { handle, formats, ofDevices } = await this.#lookup.findPool(definition.pool, signal);
    refuseFormat(definition, formats);
    if (ofDevices) checkDeviceName(definition.nativeName);
    const xml = serializeXml(ofDevices ? createDevice(definition) : makeVolume(definition));
    return this.#make(definition.pool, handle, xml, signal);
  }

  async #make(id: PoolId, pool: PoolHandle, xml: string, signal: AbortSignal): Promise<Volume> {
    return this.#lookup.read(id, pool, await this.#daemon.order(storageVolCreateXml, { pool, xml, flags: 0 }, signal, id), signal);
  }

  async copy(definition: VolumeDefinition, from: VolumeSource, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    refuseAllocation(definition);
    const { handle: volume, is } = await this.#sourceFor(definition, from, signal);
    const { handle: pool, ofDevices } = await this.#lookup.findPool(definition.pool, signal);
    if (ofDevices && from.format !== 'Raw')
      throw new DriverError(
        'Unsupported',
        `volume "${is.id.nativeName}" is ${from.format}; a pool of devices takes copies of Raw ones alone`,
      );
    if (!ofDevices && (await this.#isTakenFor(is, from.format, signal))) {
      const xml = serializeXml(createVolume(definition));
      await this.#daemon.connection.callAlone(storageVolCreateXmlFrom, { pool, xml, volume, flags: 0 }, signal);
      await this.grow(definition, definition.sizeBytes, signal);
    } else await this.#copyBytes(definition, from, signal);
    return this.#lookup.read(definition.pool, pool, await this.#lookup.volume(definition, signal), signal);
  }

  /** What a volume is to be made from, which must have room in it: of a Raw one all that is stored, whatever its guest made it look like. */
  async #sourceFor(
    { nativeName, sizeBytes }: VolumeDefinition,
    { id, format }: VolumeSource,
    signal: AbortSignal,
  ): Promise<{ readonly handle: VolumeHandle; readonly is: Volume }> {
    const { handle, xml } = await this.#lookup.find(id, signal);
    const is = readVolume(xml, id.pool);
    if (format === 'Directory' || is.format === 'Directory') throw noFile(id, 'copied');
    const hasBytes = (format === 'Raw' ? readStoredBytes(xml) : undefined) ?? is.sizeBytes;
    if (hasBytes <= sizeBytes) return { handle, is };
    const has = `volume "${id.nativeName}" has ${hasBytes}`;
    throw new DriverError('Invalid', `volume "${nativeName}": ${sizeBytes} bytes were given, and ${has}; accepted: at least as many`);
  }

  /** As it is, so that nobody looks into it: what a guest wrote at the head of its disk may be the name of another file. */
  async #copyBytes(definition: VolumeDefinition, { id, format }: VolumeSource, signal: AbortSignal): Promise<void> {
    if (format !== 'Raw' || definition.format !== 'Raw')
      throw new DriverError(
        'Invalid',
        `volume "${id.nativeName}" was made as ${format}, and looks like something else to the host: it cannot be converted to ${definition.format}`,
      );
    await this.create(definition, signal);
    const bytes = this.download(id, { offset: 0, length: Number.MAX_SAFE_INTEGER }, signal);
    await this.#content.send(definition, await this.#lookup.find(definition, signal), bytes, signal);
  }

  /** libvirt finds formats out by looking, at every refresh of a pool. */
  async #isTakenFor({ id, format: looks }: Volume, format: VolumeFormat, signal: AbortSignal): Promise<boolean> {
    return looks === format && wouldProbe(await this.#content.head(id, signal)) === format;
  }

  async link(definition: VolumeDefinition, base: VolumeSource, signal: AbortSignal): Promise<Volume> {
    checkName('nativeName', definition.nativeName, maxFileNameBytes);
    const { is } = await this.#sourceFor(definition, base, signal);
    const { handle, formats } = await this.#lookup.findPool(definition.pool, signal);
    refuseFormat(definition, formats);
    const xml = serializeXml(createLinkedVolume(definition, { location: is.location, format: base.format }));
    return this.#make(definition.pool, handle, xml, signal);
  }

  async upload(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const found = await this.#lookup.find(id, signal);
    if (isDirectory(found.xml)) return this.#fill(id, found, content, signal);
    if (isDevice(found.xml)) return this.#content.send(id, found, content, signal);
    await this.#content.send(id, await this.#emptied(id, found, signal), content, signal);
    await this.#lookAgain(id, signal);
  }

  /** The host has no word for it: it is done where the host's files are ours as well. */
  async #fill(id: VolumeId, { xml }: FoundVolume, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    if (!this.#daemon.fillsDirectories) throw noFile(id, 'filled from here');
    await directories.fill(readVolume(xml, id.pool).location, untilAborted(archive, signal), signal);
  }

  async resume(id: VolumeId, offset: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#content.resume(id, await this.#lookup.find(id, signal), offset, content, signal);
    await this.#lookAgain(id, signal);
  }

  /** The host writes over what is there, and would leave what is longer. An empty volume in the place of the old one has nothing to leave. */
  async #emptied(id: VolumeId, found: FoundVolume, signal: AbortSignal): Promise<FoundVolume> {
    const { sizeBytes, allocationBytes } = readVolume(found.xml, id.pool);
    if (sizeBytes === 0 && allocationBytes === 0) return found;
    await this.#daemon.order(storageVolDelete, { volume: found.handle, flags: 0 }, signal, id.pool);
    await this.create({ ...id, format: 'Raw', sizeBytes: 0 }, signal);
    return this.#lookup.find(id, signal);
  }

  /** The host has the content; that it knows format and size, too, comes by itself in time, so that a busy pool is no failure. */
  async #lookAgain({ pool: id }: VolumeId, signal: AbortSignal): Promise<void> {
    const pool = await this.#lookup.pool(id, signal);
    await this.#daemon.order(storagePoolRefresh, { pool, flags: 0 }, signal, id).catch(() => throwIfAborted(signal));
  }

  download(id: VolumeId, range: { readonly offset: number; readonly length: number }, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#content.read(id, range, signal);
  }

  async grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const { handle: volume, xml } = await this.#lookup.find(id, signal);
    const is = readVolume(xml, id.pool);
    if (is.format === 'Directory') throw noFile(id, 'grown');
    if (is.sizeBytes > sizeBytes) throw shrinks(id, is.sizeBytes, sizeBytes);
    if (is.sizeBytes < sizeBytes) await this.#daemon.order(storageVolResize, { volume, capacity: sizeBytes, flags: 0 }, signal, id.pool);
  }

  async growAttached(id: VolumeId, machine: MachineId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const is = readVolume((await this.#lookup.find(id, signal)).xml, id.pool);
    if (is.sizeBytes > sizeBytes) throw shrinks(id, is.sizeBytes, sizeBytes);
    await mustBeAttached(this.#daemon, is.location, machine, signal);
    if (is.sizeBytes === sizeBytes) return;
    const what = { domain: handleOf(machine), disk: is.location, size: sizeBytes, flags: blockResizeFlags.bytes };
    await this.#daemon.order(domainBlockResize, what, signal, machine);
  }

  async wipe(id: VolumeId, signal: AbortSignal): Promise<void> {
    await this.#daemon.connection.callAlone(storageVolWipe, { volume: await this.#lookup.volume(id, signal), flags: 0 }, signal);
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    const pool = await this.#lookup.pool(id.pool, signal);
    const volume = await unlessGone(this.#lookup.ask(id.pool, storageVolLookupByName, { pool, name: id.nativeName }, signal));
    if (volume !== undefined) await this.#emptyFirst(id, volume, signal);
    if (volume !== undefined) await unlessGone(this.#daemon.order(storageVolDelete, { volume, flags: 0 }, signal, id.pool));
  }

  /** The host removes a directory only when nothing is in it. */
  async #emptyFirst({ pool }: VolumeId, volume: VolumeHandle, signal: AbortSignal): Promise<void> {
    const xml = await unlessGone(this.#lookup.xml(pool, volume, signal));
    if (xml === undefined || !isDirectory(xml)) return;
    // What a far host calls the path of its directory is on this one somebody else's.
    if (!this.#daemon.fillsDirectories) throw noFile({ pool, nativeName: volume.name }, 'emptied from here');
    await directories.empty(readVolume(xml, pool).location, signal);
  }
}

async function* untilAborted(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    throwIfAborted(signal);
    yield chunk;
  }
}

function refuseAllocation({ nativeName, allocation }: VolumeDefinition): void {
  if (allocation !== undefined)
    throw new DriverError(
      'Unsupported',
      `volume "${nativeName}": allocation ${allocation} was given; here it is as the pool has it: leave it out`,
    );
}
