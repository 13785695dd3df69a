import type { PoolId, Volume, VolumeDefinition, VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { element } from '#drivers/xml/tree.js';
import { asVolumeFormat, isVmdk } from './config/ahead.js';
import { checkName } from './config/definition.js';
import { locationText } from './config/location.js';
import type { Datastore, Inventory } from './inventory.js';
import { isFault } from './soap/driver-error.js';
import { typed } from './soap/names.js';
import {
  createVirtualDisk,
  deleteVirtualDisk,
  extendVirtualDisk,
  makeDirectory,
  refreshDatastore,
  searchDatastore,
} from './soap/operations.js';
import { integer, isOfType, list, optional, type Ref, raw, struct, text } from './soap/types.js';

/** Where our volumes are on a datastore: not in a machine's folder, which goes with the machine. */
const folder = 'virtwright';
const suffix = '.vmdk';
const maxFileNameBytes = 255;
const bytesPerKiB = 1024;

const fileInfo = struct({ path: text, fileSize: optional(integer), capacityKb: optional(integer) });
const searchResults = struct({ folderPath: text, file: list(raw) });

/** Virtual disks. They are thin: a datastore gives them room as they are written to. */
export class VsphereVolumes implements Volumes {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async list(pool: PoolId, { refresh }: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]> {
    const datastore = await this.#datastore(pool, signal);
    if (refresh) await this.#inventory.session.ask(refreshDatastore, datastore.ref, {}, signal);
    return this.#search(pool, datastore, ['*'], signal);
  }

  async create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume> {
    const { pool, nativeName, sizeBytes } = definition;
    checkName('nativeName', nativeName, maxFileNameBytes - '-flat.vmdk'.length);
    if (!isVmdk(definition))
      throw new DriverError('Unsupported', `volume "${nativeName}": format ${definition.format} was given; accepted: Vmdk`);
    const datastore = await this.#datastore(pool, signal);
    const name = nameOn(datastore, nativeName);
    await this.#makeFolder(datastore, signal);
    const spec = { diskType: 'thin', adapterType: 'lsiLogic', capacityKb: kibibytes(nativeName, sizeBytes) };
    await this.#task(datastore, nativeName, signal, (disks, datacenter) =>
      this.#inventory.session.ask(createVirtualDisk, disks, { name, datacenter, spec }, signal),
    );
    return this.#must({ pool, nativeName }, datastore, signal);
  }

  /** A datastore takes no stream of a disk in a form that a machine could use. */
  async upload({ nativeName }: VolumeId, _content: AsyncIterable<Uint8Array>, _signal: AbortSignal): Promise<void> {
    throw new DriverError('Unsupported', `volume "${nativeName}": on vSphere volumes are made empty; nothing can be uploaded`);
  }

  // biome-ignore lint/correctness/useYield: there is nothing to give
  async *download({ nativeName }: VolumeId): AsyncGenerator<Uint8Array, void, undefined> {
    throw new DriverError('Unsupported', `volume "${nativeName}": on vSphere nothing can be downloaded`);
  }

  async grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const datastore = await this.#datastore(id.pool, signal);
    const is = await this.#must(id, datastore, signal);
    if (is.sizeBytes > sizeBytes)
      throw new DriverError('Invalid', `volume "${id.nativeName}" has ${is.sizeBytes} bytes, ${sizeBytes} asked; a volume never shrinks`);
    if (is.sizeBytes === sizeBytes) return;
    const newCapacityKb = kibibytes(id.nativeName, sizeBytes);
    await this.#task(datastore, id.nativeName, signal, (disks, datacenter) =>
      this.#inventory.session.ask(extendVirtualDisk, disks, { name: is.location, datacenter, newCapacityKb, eagerZero: false }, signal),
    );
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    const datastore = await this.#datastore(id.pool, signal);
    const found = await this.#find(id, datastore, signal);
    if (found === undefined) return;
    await this.#task(datastore, id.nativeName, signal, (disks, datacenter) =>
      this.#inventory.session.ask(deleteVirtualDisk, disks, { name: found.location, datacenter }, signal),
    ).catch((reason) => {
      if (!isFault(reason, 'FileNotFound')) throw reason;
    });
  }

  /** One at a time of a file; what is done to it is done by whoever manages virtual disks. */
  #task(
    datastore: Datastore,
    nativeName: string,
    signal: AbortSignal,
    begin: (disks: Ref, datacenter: Ref) => Promise<Ref>,
  ): Promise<unknown> {
    const { tasks, session, scope } = this.#inventory;
    const disks = session.content.virtualDiskManager;
    if (disks === undefined) throw new DriverError('Unsupported', 'this host has no manager of virtual disks');
    const act = async () => tasks.finished(await begin(disks, scope.datacenter), signal);
    return tasks.inRow(nameOn(datastore, nativeName), () => tasks.patiently(act, signal), signal);
  }

  async #makeFolder(datastore: Datastore, signal: AbortSignal): Promise<void> {
    const { session, scope } = this.#inventory;
    const args = {
      name: locationText({ datastore: datastore.name, path: folder }),
      datacenter: scope.datacenter,
      createParentDirectories: false,
    };
    await session.ask(makeDirectory, session.content.fileManager, args, signal).catch((reason) => {
      if (!isFault(reason, 'FileAlreadyExists')) throw reason;
    });
  }

  async #must(id: VolumeId, datastore: Datastore, signal: AbortSignal): Promise<Volume> {
    const found = await this.#find(id, datastore, signal);
    if (found !== undefined) return found;
    throw new DriverError('NotFound', `there is no volume "${id.nativeName}" in [${datastore.name}] ${folder}`);
  }

  async #find({ pool, nativeName }: VolumeId, datastore: Datastore, signal: AbortSignal): Promise<Volume | undefined> {
    return (await this.#search(pool, datastore, [nativeName], signal)).find(({ id }) => id.nativeName === nativeName);
  }

  async #search(pool: PoolId, datastore: Datastore, names: readonly string[], signal: AbortSignal): Promise<readonly Volume[]> {
    const { session, tasks } = this.#inventory;
    const datastorePath = locationText({ datastore: datastore.name, path: folder });
    const searchSpec = { query: [diskQuery], details, searchCaseInsensitive: false, matchPattern: names.map((name) => name + suffix) };
    try {
      const task = await session.ask(searchDatastore, datastore.browser, { datastorePath, searchSpec }, signal);
      const result = await tasks.finished(task, signal);
      const files = result === undefined ? [] : searchResults.read([result], 'SearchDatastore_Task: result').file;
      return files
        .filter((file) => isOfType(file, 'VmDiskFileInfo'))
        .flatMap((file) => volumeOf(pool, datastore, fileInfo.read([file], 'file')));
    } catch (reason) {
      // Nobody has made a volume there yet.
      if (isFault(reason, 'FileNotFound')) return [];
      throw reason;
    }
  }

  async #datastore(pool: PoolId, signal: AbortSignal): Promise<Datastore> {
    const found = (await this.#inventory.datastores(signal)).find(({ ref }) => ref.value === pool);
    if (found === undefined) throw new DriverError('NotFound', `datastore ${pool} is not on the host`);
    if (!found.accessible) throw new DriverError('Conflict', `datastore "${found.name}" is not accessible: look at the host's storage`);
    return found;
  }
}

const details = { fileType: true, fileSize: true, modification: false, fileOwner: false };
const diskQuery = typed(
  element('query', {}, element('details', {}, ...['diskType', 'capacityKb', 'hardwareVersion'].map((name) => element(name, {}, 'true')))),
  'VmDiskFileQuery',
);

function nameOn(datastore: Datastore, nativeName: string): string {
  return locationText({ datastore: datastore.name, path: `${folder}/${nativeName}${suffix}` });
}

/** The extents of a disk stand beside it, and are none themselves. */
function volumeOf(pool: PoolId, datastore: Datastore, file: ReturnType<typeof fileInfo.read>): readonly Volume[] {
  if (file.capacityKb === undefined || !file.path.endsWith(suffix)) return [];
  const nativeName = file.path.slice(0, -suffix.length);
  return [
    {
      id: { pool, nativeName },
      location: nameOn(datastore, nativeName),
      format: asVolumeFormat('Vmdk'),
      sizeBytes: file.capacityKb * bytesPerKiB,
      allocationBytes: file.fileSize ?? 0,
    },
  ];
}

function kibibytes(nativeName: string, sizeBytes: number): number {
  if (sizeBytes > 0 && sizeBytes % bytesPerKiB === 0) return sizeBytes / bytesPerKiB;
  throw new DriverError('Invalid', `volume "${nativeName}": size of ${sizeBytes} bytes was given; accepted: whole KiB, 1 or more`);
}
