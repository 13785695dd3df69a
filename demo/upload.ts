import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Told } from './progress.js';
import { conditionOf, isReady } from './progress.js';
import { program } from './standalone.js';

const run = promisify(execFile);

/** What each volume is filled with, by its name. */
export type Files = Readonly<Record<string, string>>;

const awaits = (object: Told): boolean => object.kind === 'StorageVolume' && conditionOf(object, 'Ready')?.reason === 'AwaitingUpload';

/** Each of the volumes that are filled by an upload is filled, or waits for it. */
export const canUpload =
  (files: Files) =>
  (objects: readonly Told[]): boolean => {
    const filled = objects.filter(({ kind, metadata }) => kind === 'StorageVolume' && Object.hasOwn(files, metadata.name));
    return filled.length === Object.keys(files).length && filled.every((volume) => isReady(volume) || awaits(volume));
  };

/** Brings the files to the volumes that wait for them, as anybody would. */
export async function uploadAll(objects: readonly Told[], files: Files, kubeconfig: string, signal: AbortSignal): Promise<void> {
  for (const { metadata } of objects.filter(awaits)) {
    const file = files[metadata.name];
    if (file === undefined) continue;
    await run(process.execPath, [program, 'upload', file, metadata.name, '--namespace', 'default', '--kubeconfig', kubeconfig], { signal });
  }
}
