import type { MachineId, PoolId, Volume, VolumeDefinition, VolumeId, VolumeSource, Volumes, VolumeVerb } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import { type Connection, lost } from './connection.js';
import type { Verb } from './faults.js';
import type { FakeHost } from './host.js';
import { mustFindPool } from './pools.js';
import { FakeFile, type FakePool } from './store.js';
import { mustBeName } from './text.js';

type Host = FakeHost<Clock>;

const chunkBytes = 64 << 10;

function mustFindActive(host: Host, id: PoolId): FakePool {
  const pool = mustFindPool(host, id);
  if (!pool.active) throw new DriverError('Conflict', `pool "${pool.nativeName}" is not active: start it`);
  return pool;
}

function mustFind(host: Host, { pool: id, nativeName }: VolumeId): { readonly pool: FakePool; readonly file: FakeFile } {
  const pool = mustFindActive(host, id);
  const file = pool.known.has(nativeName) ? pool.directory.get(nativeName) : undefined;
  if (file === undefined) throw new DriverError('NotFound', `no volume "${nativeName}" in pool "${pool.nativeName}"`);
  return { pool, file };
}

/** A device is never smaller than this. */
const extentBytes = 4 << 20;

const growsIn = (pool: FakePool): boolean => pool.can.includes('grow');

function mustBeAble(pool: FakePool, verb: VolumeVerb): void {
  if (!pool.can.includes(verb))
    throw new DriverError('Unsupported', `pool "${pool.nativeName}" can ${pool.can.join(', ')} volumes, not ${verb} them`);
}

function volume(pool: FakePool, nativeName: string): readonly Volume[] {
  const file = pool.directory.get(nativeName);
  if (file === undefined) return [];
  const { format, sizeBytes, allocationBytes, base } = file;
  const is = { id: { pool: pool.id, nativeName }, location: `${pool.path}/${nativeName}`, format, sizeBytes };
  const taken = file.isFull ? { allocationBytes: Math.max(sizeBytes, allocationBytes), allocation: 'Full' as const } : { allocationBytes };
  const unread = file.unread === undefined ? {} : { unread: file.unread };
  return [{ ...is, ...taken, ...(base === undefined ? {} : { base }), ...unread }];
}

function list(host: Host, id: PoolId, refresh: boolean): readonly Volume[] {
  const pool = mustFindActive(host, id);
  if (refresh) pool.refresh();
  return [...pool.known].flatMap((name) => volume(pool, name));
}

const create = (host: Host, definition: VolumeDefinition): Volume =>
  put(host, definition, FakeFile.empty(definition.format, definition.sizeBytes));

function put(host: Host, { pool: id, nativeName, format, sizeBytes, allocation }: VolumeDefinition, file: FakeFile): Volume {
  mustBeName(nativeName);
  const pool = mustFindActive(host, id);
  mustBeAble(pool, 'create');
  if (!pool.formats.includes(format) && !(format === 'Raw' && sizeBytes === 0))
    throw new DriverError('Unsupported', `format: ${format} given, pool "${pool.nativeName}" accepts ${pool.formats.join(', ') || 'none'}`);
  if (pool.directory.has(nativeName)) throw new DriverError('Conflict', `volume "${nativeName}" exists in pool "${pool.nativeName}"`);
  if (!growsIn(pool)) file.grow(Math.max(sizeBytes, extentBytes));
  pool.mustHaveRoom(growsIn(pool) ? sizeBytes : file.sizeBytes);
  if (allocation === 'Full' && !host.capabilities.some(({ field }) => field === 'volumes.allocation'))
    throw new DriverError('Unsupported', 'allocation: Full given, this host does not know it');
  file.isFull = allocation === 'Full';
  pool.directory.set(nativeName, file);
  pool.known.add(nativeName);
  const [created] = volume(pool, nativeName);
  if (created === undefined) throw new DriverError('Internal', `volume "${nativeName}" was not made`);
  return created;
}

async function fill(
  host: Host,
  connection: Connection,
  id: VolumeId,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { pool, file } = mustFind(host, id);
  const breaksAfter = host.faults.takeUploadBreak();
  const { sizeBytes } = file;
  file.clear();
  for await (const chunk of content) {
    // Whoever asked may be gone: what arrives now is nobody's.
    connection.mustBeOpen(signal);
    const taken = chunk.subarray(0, Math.max(0, breaksAfter - file.allocationBytes));
    pool.mustHaveRoom(taken.length);
    file.append(taken);
    if (taken.length < chunk.length) throw lost();
  }
  if (!growsIn(pool)) file.grow(sizeBytes);
}

async function goOn(
  host: Host,
  connection: Connection,
  id: VolumeId,
  offset: number,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { pool, file } = mustFind(host, id);
  if (!growsIn(pool) || !host.capabilities.some(({ field }) => field === 'volumes.resume'))
    throw new DriverError('Unsupported', `volume "${id.nativeName}": no upload goes on from where it broke`);
  if (offset > file.allocationBytes)
    throw new DriverError(
      'Invalid',
      `volume "${id.nativeName}": ${offset} bytes were said to be stored, and there are ${file.allocationBytes}`,
    );
  let at = offset;
  for await (const chunk of content) {
    connection.mustBeOpen(signal);
    pool.mustHaveRoom(Math.max(0, at + chunk.length - file.allocationBytes));
    file.write(at, chunk);
    at += chunk.length;
  }
}

function grow(host: Host, id: VolumeId, sizeBytes: number): void {
  const { pool, file } = mustFind(host, id);
  mustBeAble(pool, 'grow');
  if (sizeBytes < file.sizeBytes)
    throw new DriverError('Invalid', `sizeBytes: ${sizeBytes} given, volume "${id.nativeName}" has ${file.sizeBytes} and never shrinks`);
  pool.mustHaveRoom(sizeBytes - file.sizeBytes);
  file.grow(sizeBytes);
}

function clone(host: Host, how: 'Full' | 'Linked', definition: VolumeDefinition, from: VolumeSource): Volume {
  if (!host.capabilities.some(({ field, values }) => field === 'volumes.clone' && values?.includes(how)))
    throw new DriverError('Unsupported', `this host makes no ${how} clones`);
  const { pool, file } = mustFind(host, from.id);
  const sizeBytes = from.format === 'Raw' ? file.lengthBytes : file.sizeBytes;
  if (sizeBytes > definition.sizeBytes)
    throw new DriverError('Invalid', `sizeBytes: ${definition.sizeBytes} given, volume "${from.id.nativeName}" has ${sizeBytes}`);
  if (file.format !== from.format && definition.format !== from.format)
    throw new DriverError('Invalid', `volume "${from.id.nativeName}" was made as ${from.format} and looks like ${file.format}`);
  if (how === 'Full') return put(host, definition, FakeFile.copyOf(file, from.format, definition.format, definition.sizeBytes));
  mustBeAble(pool, 'grow');
  const linked = FakeFile.empty('Qcow2', definition.sizeBytes);
  linked.base = `${pool.path}/${from.id.nativeName}`;
  return put(host, definition, linked);
}

function growAttached(host: Host, id: VolumeId, machineId: MachineId, sizeBytes: number): void {
  if (!host.capabilities.some(({ field }) => field === 'volumes.growAttached'))
    throw new DriverError('Unsupported', 'this host grows no disk of a machine that is on');
  const { pool } = mustFind(host, id);
  const machine = host.machines.get(machineId);
  const location = `${pool.path}/${id.nativeName}`;
  if (!(machine?.live ?? machine?.configured)?.disks.some((disk) => disk.location === location))
    throw new DriverError('NotFound', `machine ${machineId} has no disk ${location}`);
  if (machine?.isOff === true) throw new DriverError('Conflict', `machine "${machine.nativeName}" is Off`);
  grow(host, id, sizeBytes);
}

function remove(host: Host, { pool: id, nativeName }: VolumeId): void {
  const pool = mustFindActive(host, id);
  if (pool.known.delete(nativeName)) pool.directory.delete(nativeName);
}

export function volumesOf(host: Host, connection: Connection): Volumes {
  const about = (verb: Verb, { pool, nativeName }: VolumeId) => ({ verb, of: `${host.pools.get(pool)?.nativeName ?? pool}/${nativeName}` });
  return {
    list: (pool, { refresh }, signal) =>
      connection.ask({ verb: 'volumes.list', of: host.pools.get(pool)?.nativeName ?? pool }, signal, () => list(host, pool, refresh)),
    create: (definition, signal) => connection.ask(about('volumes.create', definition), signal, () => create(host, definition)),
    copy: (definition, from, signal) =>
      connection.ask(about('volumes.copy', definition), signal, () => clone(host, 'Full', definition, from)),
    link: (definition, base, signal) =>
      connection.ask(about('volumes.link', definition), signal, () => clone(host, 'Linked', definition, base)),
    upload: (id, content, signal) => connection.ask(about('volumes.upload', id), signal, () => fill(host, connection, id, content, signal)),
    resume: (id, offset, content, signal) =>
      connection.ask(about('volumes.resume', id), signal, () => goOn(host, connection, id, offset, content, signal)),
    async *download(id, { offset, length }, signal) {
      const file = await connection.ask(about('volumes.download', id), signal, () => mustFind(host, id).file);
      for (let at = offset; at < Math.min(offset + length, file.lengthBytes); at += chunkBytes) {
        connection.mustBeOpen(signal);
        yield file.slice(at, Math.min(chunkBytes, offset + length - at));
      }
    },
    grow: (id, sizeBytes, signal) => connection.ask(about('volumes.grow', id), signal, () => grow(host, id, sizeBytes)),
    growAttached: (id, machine, sizeBytes, signal) =>
      connection.ask(about('volumes.growAttached', id), signal, () => growAttached(host, id, machine, sizeBytes)),
    wipe: (id, signal) => connection.ask(about('volumes.wipe', id), signal, () => mustFind(host, id).file.clear()),
    delete: (id, signal) => connection.ask(about('volumes.delete', id), signal, () => remove(host, id)),
  };
}
