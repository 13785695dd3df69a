import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Client, createClient } from '#controllers/kubernetes/client.js';
import { type StorageVolume, storageVolumes } from '#crds/types.js';
import { command } from '../command.js';
import { Complaint, Failure } from '../complaint.js';
import { connectionFor } from '../connect.js';
import { deliver } from './client.js';
import { inUnits, Progress } from './progress.js';
import { openSession } from './session.js';
import type { Output } from './terminal.js';

export interface Parcel {
  readonly namespace: string;
  readonly volume: string;
  /** Of this machine. */
  readonly file: string;
}

const readyMs = 60_000;

export interface Delivered {
  readonly bytes: number;
  /** Undefined to who may not look. */
  readonly volume?: StorageVolume | undefined;
}

/** Brings a file to a volume that awaits it; resolves once that says that it is whole. */
export async function runUpload(client: Client, parcel: Parcel, stderr: Output, signal: AbortSignal): Promise<Delivered> {
  const { namespace, volume, file } = parcel;
  await using handle = await opened(file);
  const { size } = await handle.stat();
  {
    await using session = await openSession(client, { namespace, volume, purpose: 'Upload' }, signal);
    const progress = new Progress(size, stderr);
    // What is written to the file from now on is not ours to send.
    const range = { autoClose: false, highWaterMark: 1 << 18, start: 0, end: size - 1 };
    const content: Readable = size === 0 ? Readable.from([]) : handle.createReadStream(range);
    content.once('error', (reason) => progress.destroy(reason));
    try {
      await deliver(session.way, content.pipe(progress), size, signal);
    } finally {
      progress.finish();
      content.destroy();
    }
  }
  return { bytes: size, volume: await untilWhole(client, parcel, signal) };
}

async function opened(file: string): Promise<FileHandle> {
  const handle = await open(file, 'r').catch((reason: NodeJS.ErrnoException) => {
    throw new Complaint(`${file}: ${reason.code === 'ENOENT' ? 'there is no such file' : reason.message}`);
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Complaint(`${file}: accepted is a file, whose length is known beforehand`);
}

/** The agent has all of it; the volume's object says so a moment later. Undefined when one may not look. */
async function untilWhole(client: Client, { namespace, volume }: Parcel, signal: AbortSignal): Promise<StorageVolume | undefined> {
  const { decode } = await import('#crds/decode.js');
  let seen: StorageVolume | undefined;
  for (const end = Date.now() + readyMs; Date.now() < end; await sleep(200, undefined, { signal })) {
    try {
      seen = decode('StorageVolume', await client.get(storageVolumes, { namespace, name: volume }, signal));
    } catch (reason) {
      if (ApiError.is(reason, 'Forbidden')) return undefined;
      throw reason;
    }
    if (seen.status?.import?.completedAt !== undefined) return seen;
  }
  throw new Failure(`all of it is there, and volume "${volume}" does not say so yet; see kubectl describe storagevolume ${volume}`);
}

export const uploadCommand = command({
  name: 'upload',
  group: 'objects',
  summary: 'bring an image file to a volume that awaits it',
  usage: ['FILE VOLUME'],
  description: [
    'The volume is made with spec.source.upload, and says AwaitingUpload. The file goes through the agent of its host, is judged by its header as images from URLs are, and converted where the volume has another format.',
    'A volume is filled once. An upload that breaks is begun again by calling this again.',
  ],
  flags: {},
  examples: [{ line: 'upload debian-12.qcow2 db-root -n shop', what: 'fill volume db-root' }],
  async run({ flags, args, io }, signal) {
    const [file, volume, ...rest] = args;
    if (file === undefined || volume === undefined || rest.length > 0) throw new Complaint('give a file and the name of a volume');
    const connection = await connectionFor(flags);
    await using client = createClient(connection);
    const { bytes, volume: seen } = await runUpload(client, { namespace: connection.namespace, volume, file }, io.stderr, signal);
    const format = seen?.status?.format;
    io.stdout.write(`volume "${volume}" is filled: ${inUnits(bytes)}${format === undefined ? '' : `, stored as ${format}`}\n`);
    return 0;
  },
});
