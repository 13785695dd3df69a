import type { XmlElement } from '#drivers/xml/tree.js';
import { locationText, parseLocation } from './config/location.js';
import type { NativeMachine } from './config/native.js';
import { fileOf, serialPortOf } from './config/serial.js';
import { folder } from './config/volume.js';
import { DiskFiles } from './disk-files.js';
import type { Inventory } from './inventory.js';
import { isFault } from './soap/driver-error.js';
import { deleteDatastoreFile, moveDatastoreFile } from './soap/operations.js';
import type { Ref } from './soap/types.js';

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
    if (name === undefined) return;
    const { session, scope } = this.#inventory;
    await this.#unlessMissing(
      session.ask(deleteDatastoreFile, session.content.fileManager, { name, datacenter: scope.datacenter }, signal),
      signal,
    );
  }

  /** What the firmware wrote down goes to where our volumes are: `[datastore] virtwright/<machine>.nvram`. */
  async keepState({ file }: NativeMachine, signal: AbortSignal): Promise<void> {
    const where = file === undefined ? undefined : parseLocation(file);
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
