import type { PoolId, VolumeId, Volumes } from '#drivers/driver.js';
import { isMarker, makeMarker, markedName, markerName, markerOf } from '../incomplete.js';
import { type SeedContent, seedBytes } from './content.js';

/** What the names of all seeds of one machine begin with, and of nothing else. */
export const seedFamily = (machineName: string, uid: string): string => `${machineName}-${uid.slice(0, 8)}.seed-`;

export const seedName = (family: string, digest: string): string => `${family}${digest}`;

export interface SeedVolume {
  readonly family: string;
  readonly nativeName: string;
  readonly content: SeedContent;
  /** Native names of seeds that the machine has now, or at its next start. */
  readonly inUse: readonly string[];
}

/**
 * Sees that the seed is there, whole, and that of the machine's earlier ones only those are that it still has. A seed never changes: other
 * content has another name. It is written only while its marker says that it is not whole; the marker goes last.
 */
export async function keepSeed(volumes: Volumes, pool: PoolId, seed: SeedVolume, signal: AbortSignal): Promise<void> {
  const { family, nativeName, inUse } = seed;
  const names = (await volumes.list(pool, { refresh: false }, signal)).map(({ id }) => id.nativeName);
  const kept = [nativeName, ...inUse];
  const old = names.filter((name) => name.startsWith(family) && !kept.includes(markedName(name)));
  await removeAll(volumes, pool, old, signal);
  if (names.includes(nativeName) && !names.includes(markerName(nativeName))) return;
  await write(volumes, pool, seed, signal);
}

async function write(volumes: Volumes, pool: PoolId, { nativeName, content }: SeedVolume, signal: AbortSignal): Promise<void> {
  const id: VolumeId = { pool, nativeName };
  await makeMarker(volumes, id, signal);
  await volumes.delete(id, signal);
  await volumes.create({ ...id, format: 'Raw', sizeBytes: 0 }, signal);
  await volumes.upload(id, once(seedBytes(content)), signal);
  await volumes.delete(markerOf(id), signal);
}

/** Where the host writes down what a machine prints on its serial console, beside its seeds. */
export const consoleName = (family: string): string => family.replace(/seed-$/, 'console');

/** Takes away all seeds of a machine that is no more, and what was written down of it, with the earlier parts that the host has put aside. */
export async function removeSeeds(volumes: Volumes, pool: PoolId, family: string, signal: AbortSignal): Promise<void> {
  // What the host writes by itself, it sees in its store only when it looks.
  const names = (await volumes.list(pool, { refresh: true }, signal)).map(({ id }) => id.nativeName);
  const written = consoleName(family);
  await removeAll(
    volumes,
    pool,
    names.filter((name) => name.startsWith(family) || isConsole(name, written)),
    signal,
  );
}

const isConsole = (name: string, written: string): boolean => name.startsWith(written) && /^(\.\d{1,3})?$/.test(name.slice(written.length));

/** A marker outlives what it marks: a part of a seed never looks whole. */
async function removeAll(volumes: Volumes, pool: PoolId, names: readonly string[], signal: AbortSignal): Promise<void> {
  const ordered = [...names].sort((a, b) => Number(isMarker(a)) - Number(isMarker(b)));
  for (const nativeName of ordered) await volumes.delete({ pool, nativeName }, signal);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
