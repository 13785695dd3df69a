import type { PoolId, Volume, VolumeDefinition, VolumeId, Volumes } from '#drivers/driver.js';
import { EmptyVolumes } from '#drivers/empty-volumes.js';
import { DriverError } from '#drivers/error.js';
import { checkName } from './config/definition.js';
import { folder, pathOf, placeholder, type StoredFile, suffix, volumeOf } from './config/volume.js';
import { DiskFiles } from './disk-files.js';
import type { Datastore, Inventory } from './inventory.js';

const maxFileNameBytes = 255;
const bytesPerKiB = 1024;

/** Virtual disks on datastores, and the empty places that keep a name. Disks are thin: a datastore gives them room as they are written to. */
export class VsphereVolumes extends EmptyVolumes implements Volumes {
  readonly #inventory: Inventory;
  readonly #files: DiskFiles;

  constructor(inventory: Inventory) {
    super();
    this.#inventory = inventory;
    this.#files = new DiskFiles(inventory);
  }

  async list(pool: PoolId, { refresh }: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]> {
    const datastore = await this.#datastore(pool, signal);
    if (refresh) await this.#files.refresh(datastore, signal);
    return this.#read(pool, datastore, await this.#files.list(datastore, undefined, signal), signal);
  }

  /** Conflict from the host itself when there is one of that name. */
  async create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume> {
    const { pool, nativeName, sizeBytes, format } = definition;
    checkName('nativeName', nativeName, maxFileNameBytes - '-flat.vmdk'.length);
    if (definition.allocation !== undefined)
      throw new DriverError(
        'Unsupported',
        `volume "${nativeName}": allocation ${definition.allocation} was given; disks here are thin: leave it out`,
      );
    const isPlaceholder = format === 'Raw' && sizeBytes === 0;
    if (!isPlaceholder && format !== 'Vmdk')
      throw new DriverError('Unsupported', `volume "${nativeName}": format ${format} was given; accepted: Vmdk`);
    const datastore = await this.#datastore(pool, signal);
    if ((await this.#find(definition, datastore, signal)) !== undefined)
      throw new DriverError('Conflict', `there is a volume "${nativeName}" in [${datastore.name}] ${folder} already`);
    await this.#files.makeFolder(datastore, folder, signal);
    if (isPlaceholder) await this.#files.makeFolder(datastore, pathOf(nativeName, placeholder), signal);
    else await this.#files.create(datastore, pathOf(nativeName, suffix), kibibytes(nativeName, sizeBytes), signal);
    return this.#must(definition, datastore, signal);
  }

  /** A datastore takes no stream of a disk in a form that a machine could use. */
  async upload(id: VolumeId, _content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#must(id, await this.#datastore(id.pool, signal), signal);
    throw new DriverError('Unsupported', `volume "${id.nativeName}": on vSphere volumes are made empty; nothing can be uploaded`);
  }

  resume(id: VolumeId, _offset: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return this.upload(id, content, signal);
  }

  // biome-ignore lint/correctness/useYield: there is nothing to give
  async *download(
    id: VolumeId,
    _range: { readonly offset: number; readonly length: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    await this.#must(id, await this.#datastore(id.pool, signal), signal);
    throw new DriverError('Unsupported', `volume "${id.nativeName}": on vSphere nothing can be downloaded`);
  }

  async grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const datastore = await this.#datastore(id.pool, signal);
    const is = await this.#must(id, datastore, signal);
    if (is.sizeBytes > sizeBytes)
      throw new DriverError('Invalid', `volume "${id.nativeName}" has ${is.sizeBytes} bytes, ${sizeBytes} asked; a volume never shrinks`);
    if (is.sizeBytes === sizeBytes) return;
    await this.#files.extend(datastore, pathOf(id.nativeName, suffix), kibibytes(id.nativeName, sizeBytes), signal);
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    const datastore = await this.#datastore(id.pool, signal);
    for (const { path, isFolder } of await this.#files.list(datastore, id.nativeName, signal))
      if (isFolder) await this.#files.deleteFile(datastore, `${folder}/${path}`, signal);
      else await this.#files.deleteDisk(datastore, `${folder}/${path}`, signal);
  }

  async #must(id: VolumeId, datastore: Datastore, signal: AbortSignal): Promise<Volume> {
    const found = await this.#find(id, datastore, signal);
    if (found !== undefined) return found;
    throw new DriverError('NotFound', `there is no volume "${id.nativeName}" in [${datastore.name}] ${folder}`);
  }

  async #find({ pool, nativeName }: VolumeId, datastore: Datastore, signal: AbortSignal): Promise<Volume | undefined> {
    return (await this.#read(pool, datastore, await this.#files.list(datastore, nativeName, signal), signal))[0];
  }

  async #read(pool: PoolId, datastore: Datastore, files: readonly StoredFile[], signal: AbortSignal): Promise<readonly Volume[]> {
    const sized = await Promise.all(files.map((file) => this.#files.sized(datastore, file, signal)));
    return sized.flatMap((file) => volumeOf(pool, datastore.name, file));
  }

  async #datastore(pool: PoolId, signal: AbortSignal): Promise<Datastore> {
    const found = (await this.#inventory.datastores(signal)).find(({ ref }) => ref.value === pool);
    if (found === undefined) throw new DriverError('NotFound', `datastore ${pool} is not on the host`);
    if (!found.accessible) throw new DriverError('Conflict', `datastore "${found.name}" is not accessible: look at the host's storage`);
    return found;
  }
}

function kibibytes(nativeName: string, sizeBytes: number): number {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && sizeBytes % bytesPerKiB === 0) return sizeBytes / bytesPerKiB;
  throw new DriverError('Invalid', `volume "${nativeName}": size of ${sizeBytes} bytes was given; accepted: whole KiB, 1 or more`);
}
