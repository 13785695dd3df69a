import { elements, type XmlElement } from '#drivers/xml/tree.js';
import { locationText, parseLocation } from './config/location.js';
import type { NativeMachine } from './config/native.js';
import { fileOf, serialPortOf } from './config/serial.js';
import { folder, isVolume } from './config/volume.js';
import { DiskFiles } from './disk-files.js';
import type { Inventory } from './inventory.js';
import { isFault } from './soap/driver-error.js';
import { deleteDatastoreFile, moveDatastoreFile, refreshStorageInfo, unregisterVm } from './soap/operations.js';
import { retrieveOne } from './soap/properties.js';
import { type Ref, struct, text } from './soap/types.js';

const layoutFile = struct({ name: text, type: text });
/** Kinds of files, as a host tells them, that are of no use without the machine. Never a disk, nor what is of a kind that we do not know. */
const ownKinds = new Set([
  'config',
  'extendedConfig',
  'log',
  'nvram',
  'snapshotList',
  'stat',
  'suspend',
  'suspendMemory',
  'swap',
  'uwswap',
]);

/** Files of a machine that the host would delete with it and should not, or should and would not. */
export class MachineFiles {
  readonly #inventory: Inventory;
  readonly #files: DiskFiles;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.#files = new DiskFiles(inventory);
  }

  /** The host deletes the files that it makes itself; the one behind a serial port would keep the folder. */
  async deleteSaid({ devices }: NativeMachine, signal: AbortSignal): Promise<void> {
    const port = serialPortOf(devices);
    const name = port && fileOf(port);
    if (name !== undefined) await this.#delete(name, signal);
  }

  /**
   * Takes the machine out of the inventory with all disks that it has left where they are; so does its folder stay. Then what is its own is deleted, its definition
   * first: a host that refuses the one has the machine whole.
   */
  async letGo(native: NativeMachine, signal: AbortSignal): Promise<void> {
    const own = await this.#own(native, signal);
    await this.#inventory.session.ask(unregisterVm, native.ref, {}, signal);
    for (const name of new Set([...(native.file === undefined ? [] : [native.file]), ...own])) await this.#delete(name, signal);
  }

  /** As the host tells them: in the machine's folder, and of the machine alone. None where that folder is ours: what is kept of others is there, too. */
  async #own({ ref, file }: NativeMachine, signal: AbortSignal): Promise<readonly string[]> {
    if (file === undefined || isVolume(file)) return [];
    const { session } = this.#inventory;
    await session.ask(refreshStorageInfo, ref, {}, signal);
    const found = await retrieveOne(session, ref, ['layoutEx.file'], signal);
    const files = elements(found?.element('layoutEx.file')).map((one) => layoutFile.read([one], 'layoutEx.file'));
    const folderOf = (name: string) => name.replace(/[^/]+$/, '');
    return files.filter(({ name, type }) => ownKinds.has(type) && folderOf(name) === folderOf(file)).map(({ name }) => name);
  }

  /** What the firmware wrote down goes to where our volumes are: `[datastore] virtwright/<machine>.nvram`. */
  async keepState({ file }: NativeMachine, signal: AbortSignal): Promise<void> {
    const where = file === undefined || isVolume(file) ? undefined : parseLocation(file);
    const name = where?.path
      .split('/')
      .at(-1)
      ?.replace(/\.vmx$/, '.nvram');
    if (where === undefined || name === undefined || !name.endsWith('.nvram')) return;
    const { session, scope } = this.#inventory;
    const { datastore } = where;
    await this.#files.makeFolder({ name: datastore }, folder, signal);
    const args = {
      sourceName: locationText({ datastore, path: where.path.replace(/[^/]+$/, name) }),
      sourceDatacenter: scope.datacenter,
      destinationName: locationText({ datastore, path: `${folder}/${name}` }),
      destinationDatacenter: scope.datacenter,
      force: true,
    };
    await this.#unlessMissing(session.ask(moveDatastoreFile, session.content.fileManager, args, signal), signal);
  }

  async #delete(name: string, signal: AbortSignal): Promise<void> {
    const { session, scope } = this.#inventory;
    await this.#unlessMissing(
      session.ask(deleteDatastoreFile, session.content.fileManager, { name, datacenter: scope.datacenter }, signal),
      signal,
    );
  }

  /** A machine that never ran may not have the file; nor has one that was being forgotten when the agent died. */
  async #unlessMissing(task: Promise<Ref>, signal: AbortSignal): Promise<XmlElement | undefined> {
    try {
      return await this.#inventory.tasks.finished(await task, signal);
    } catch (reason) {
      if (isFault(reason, 'FileNotFound')) return undefined;
      throw reason;
    }
  }
}
