import { DriverError } from '#drivers/error.js';
import { element } from '#drivers/xml/tree.js';
import { locationText } from './config/location.js';
import { capacityIn, folder, type StoredFile, suffix } from './config/volume.js';
import type { Datastore, Inventory } from './inventory.js';
import { isFault } from './soap/driver-error.js';
import { typed } from './soap/names.js';
import {
  createVirtualDisk,
  deleteDatastoreFile,
  deleteVirtualDisk,
  extendVirtualDisk,
  makeDirectory,
  refreshDatastore,
  searchDatastore,
} from './soap/operations.js';
import { integer, isOfType, list, optional, type Ref, raw, struct, text } from './soap/types.js';

const fileInfo = struct({ path: text, fileSize: optional(integer), capacityKb: optional(integer) });
const searchResults = struct({ file: list(raw) });

/** A descriptor is a page of text; what is larger is a disk itself. */
const maxDescriptorBytes = 64 * 1024;

/** What the host's managers of files and virtual disks do, on a datastore. Paths are below its root. */
export class DiskFiles {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async refresh({ ref }: Datastore, signal: AbortSignal): Promise<void> {
    await this.#inventory.session.ask(refreshDatastore, ref, {}, signal);
  }

  /** The disks and folders in our folder, or those that are the volume of that name. The extents of a disk are none. */
  async list(datastore: Datastore, nativeName: string | undefined, signal: AbortSignal): Promise<readonly StoredFile[]> {
    const { session, tasks } = this.#inventory;
    const wanted = nativeName === undefined ? undefined : [nativeName, `${nativeName}${suffix}`];
    // What a pattern might read as something else is looked for among all.
    const matchPattern = wanted?.every((name) => /^[\w.-]+$/.test(name)) === true ? wanted : ['*'];
    const args = { datastorePath: locationText({ datastore: datastore.name, path: folder }), searchSpec: { query, details, matchPattern } };
    try {
      const result = await tasks.finished(await session.ask(searchDatastore, datastore.browser, args, signal), signal);
      const found = result === undefined ? [] : searchResults.read([result], 'SearchDatastore_Task: result').file;
      return found.flatMap(storedFile).filter(({ path, isFolder }) => isWanted(path, isFolder, nativeName));
    } catch (reason) {
      // Nobody has made a volume there yet.
      if (isFault(reason, 'FileNotFound')) return [];
      throw reason;
    }
  }

  /** Its descriptor tells the size of a disk that the browser does not tell. */
  async sized(datastore: Datastore, file: StoredFile, signal: AbortSignal): Promise<StoredFile> {
    if (file.isFolder || file.capacityKb !== undefined) return file;
    const path = `/folder/${folder}/${encodeURIComponent(file.path)}`;
    const where = new URLSearchParams({ dcPath: this.#inventory.scope.datacenterPath, dsName: datastore.name });
    const what = `[${datastore.name}] ${folder}/${file.path}`;
    try {
      const capacityKb = capacityIn(await this.#inventory.session.file(what, `${path}?${where}`, maxDescriptorBytes, signal));
      return capacityKb === undefined ? file : { ...file, capacityKb };
    } catch (reason) {
      if (reason instanceof DriverError && reason.code === 'NotFound') return file;
      throw reason;
    }
  }

  async makeFolder(datastore: Pick<Datastore, 'name'>, path: string, signal: AbortSignal): Promise<void> {
    const { session, scope } = this.#inventory;
    const args = { name: nameOf(datastore, path), datacenter: scope.datacenter, createParentDirectories: false };
    await session.ask(makeDirectory, session.content.fileManager, args, signal).catch((reason) => {
      if (!isFault(reason, 'FileAlreadyExists')) throw reason;
    });
  }

  create(datastore: Datastore, path: string, capacityKb: number, signal: AbortSignal): Promise<void> {
    const spec = { diskType: 'thin', adapterType: 'lsiLogic', capacityKb };
    return this.#change(datastore, path, signal, (name, datacenter) =>
      this.#inventory.session.ask(createVirtualDisk, this.#manager, { name, datacenter, spec }, signal),
    );
  }

  extend(datastore: Datastore, path: string, newCapacityKb: number, signal: AbortSignal): Promise<void> {
    return this.#change(datastore, path, signal, (name, datacenter) =>
      this.#inventory.session.ask(extendVirtualDisk, this.#manager, { name, datacenter, newCapacityKb, eagerZero: false }, signal),
    );
  }

  deleteDisk(datastore: Datastore, path: string, signal: AbortSignal): Promise<void> {
    return this.#unlessGone(datastore, path, signal, (name, datacenter) =>
      this.#inventory.session.ask(deleteVirtualDisk, this.#manager, { name, datacenter }, signal),
    );
  }

  deleteFile(datastore: Datastore, path: string, signal: AbortSignal): Promise<void> {
    const { session } = this.#inventory;
    return this.#unlessGone(datastore, path, signal, (name, datacenter) =>
      session.ask(deleteDatastoreFile, session.content.fileManager, { name, datacenter }, signal),
    );
  }

  get #manager(): Ref {
    const found = this.#inventory.session.content.virtualDiskManager;
    if (found === undefined) throw new DriverError('Unsupported', 'this host has no manager of virtual disks');
    return found;
  }

  async #unlessGone(datastore: Datastore, path: string, signal: AbortSignal, begin: Begin): Promise<void> {
    await this.#change(datastore, path, signal, begin).catch((reason) => {
      if (!isFault(reason, 'FileNotFound')) throw reason;
    });
  }

  /** One at a time of a file. */
  async #change(datastore: Datastore, path: string, signal: AbortSignal, begin: Begin): Promise<void> {
    const { tasks, scope } = this.#inventory;
    const name = nameOf(datastore, path);
    const act = async () => tasks.finished(await begin(name, scope.datacenter), signal);
    await tasks.inRow(name, () => tasks.patiently(act, signal), signal);
  }
}

type Begin = (name: string, datacenter: Ref) => Promise<Ref>;

function nameOf({ name }: Pick<Datastore, 'name'>, path: string): string {
  return locationText({ datastore: name, path });
}

const details = { fileType: true, fileSize: true, modification: false, fileOwner: false };
const diskDetails = ['diskType', 'capacityKb', 'hardwareVersion'].map((name) => element(name, {}, 'true'));
const query = [
  typed(element('query'), 'FolderFileQuery'),
  typed(element('query', {}, element('details', {}, ...diskDetails)), 'VmDiskFileQuery'),
];

function storedFile(file: Parameters<typeof isOfType>[0]): readonly StoredFile[] {
  const isFolder = isOfType(file, 'FolderFileInfo');
  if (!isFolder && !isOfType(file, 'VmDiskFileInfo')) return [];
  return [{ ...fileInfo.read([file], 'SearchDatastore_Task: file'), isFolder }];
}

function isWanted(path: string, isFolder: boolean, nativeName: string | undefined): boolean {
  return nativeName === undefined || path === (isFolder ? nativeName : `${nativeName}${suffix}`);
}
