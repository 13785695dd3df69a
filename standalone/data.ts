import { lockFolder } from './lock.js';
import { openVault, type Sealing, settleVault } from './sealing.js';
import { Disk } from './store/disk.js';
import { Store } from './store/store.js';

/** All objects of a server, which has them alone. */
export interface Data extends AsyncDisposable {
  readonly store: Store;
}

/** @throws Error when another server has the folder, or what is in it cannot be opened */
export async function openData(folder: string, objects: string, sealing: Sealing): Promise<Data> {
  const lock = await lockFolder(folder);
  let disk: Disk | undefined;
  const end = async (): Promise<void> => {
    await disk?.[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
  };
  try {
    const vault = await openVault(sealing);
    disk = new Disk(objects, vault);
    const store = new Store(disk);
    await settleVault(vault, disk, sealing);
    return { store, [Symbol.asyncDispose]: end };
  } catch (reason) {
    await end();
    throw reason;
  }
}
