import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Told } from './progress.js';
import { conditionOf, isReady } from './progress.js';
import { program } from './standalone.js';

const run = promisify(execFile);

/** By the volume's name. */
const files: Readonly<Record<string, string>> = { kernel: 'vmlinuz', initrd: 'initrd' };

const awaits = (object: Told): boolean => object.kind === 'StorageVolume' && conditionOf(object, 'Ready')?.reason === 'AwaitingUpload';

/** Each of the volumes that are filled by an upload is filled, or waits for it. */
export const canUpload = (objects: readonly Told[]): boolean => {
  const filled = objects.filter(({ kind, metadata }) => kind === 'StorageVolume' && files[metadata.name] !== undefined);
  return filled.length > 0 && filled.every((volume) => isReady(volume) || awaits(volume));
};

/** Brings what lies in `guestFolder` to the volumes that wait for it, as anybody would. */
export async function uploadAll(objects: readonly Told[], guestFolder: string, kubeconfig: string, signal: AbortSignal): Promise<void> {
  for (const { metadata } of objects.filter(awaits)) {
    const file = join(guestFolder, files[metadata.name] ?? '');
    await run(process.execPath, [program, 'upload', file, metadata.name, '--namespace', 'default', '--kubeconfig', kubeconfig], { signal });
  }
}
