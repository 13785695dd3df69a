import type { Credentials } from '#drivers/credentials.js';
import type { Pool, PoolId, PoolSource, VolumeFormat, VolumeVerb } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { pathOf, uncOf } from '#drivers/pool-source.js';

const qcow2Magic = Buffer.from('QFI\xfb', 'latin1');
const sizeOffset = 24;
const headerBytes = 104;
const vmdkMagic = Buffer.from('KDMV', 'latin1');
const sectorsOffset = 12;
const sectorBytes = 512;

/** Real content up to here; fakes are for small things. */
const contentLimitBytes = 64 << 20;

/** A file in a pool's directory: real bytes at its head, nothing but zeros behind them. */
export class FakeFile {
  /** Location of the file that this one keeps only its differences from. */
  base: string | undefined;
  /** All of its room was taken at once. */
  isFull = false;
  /** Why the host cannot read it. */
  unread: string | undefined;
  #buffer = Buffer.alloc(0);
  #used = 0;
  #length = 0;

  static empty(format: VolumeFormat, sizeBytes: number): FakeFile {
    const file = new FakeFile();
    if (format === 'Qcow2') file.append(emptyQcow2(sizeBytes));
    else if (format === 'Vmdk') file.append(emptyVmdk(sizeBytes));
    else file.#length = sizeBytes;
    return file;
  }

  /** What the guest sees of `from`, in another format: behind the header of that. */
  static copyOf(from: FakeFile, was: VolumeFormat, format: VolumeFormat, sizeBytes: number): FakeFile {
    const file = FakeFile.empty(format, format === 'Raw' ? 0 : sizeBytes);
    file.append(from.#content.subarray(headOf[was]));
    if (format === 'Raw') file.#length = sizeBytes;
    return file;
  }

  static of(bytes: Uint8Array): FakeFile {
    const file = new FakeFile();
    file.append(bytes);
    return file;
  }

  get #content(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }

  #beginsWith(magic: Buffer): boolean {
    return this.#content.length >= headerBytes && this.#content.subarray(0, 4).equals(magic);
  }

  get format(): VolumeFormat {
    if (this.#beginsWith(qcow2Magic)) return 'Qcow2';
    return this.#beginsWith(vmdkMagic) ? 'Vmdk' : 'Raw';
  }

  /** What a guest sees. */
  get sizeBytes(): number {
    const { format } = this;
    if (format === 'Qcow2') return Number(this.#content.readBigUInt64BE(sizeOffset));
    if (format === 'Vmdk') return Number(this.#content.readBigUInt64LE(sectorsOffset)) * sectorBytes;
    return this.#length;
  }

  get allocationBytes(): number {
    return this.#used;
  }

  append(bytes: Uint8Array): void {
    this.write(this.#used, bytes);
  }

  /** Over what is there. */
  write(at: number, bytes: Uint8Array): void {
    const used = Math.max(this.#used, at + bytes.length);
    if (used > contentLimitBytes) throw new DriverError('Exhausted', `a fake host holds at most ${contentLimitBytes} bytes in a volume`);
    if (used > this.#buffer.length) this.#buffer = Buffer.concat([this.#content], Math.max(used, 2 * this.#buffer.length));
    this.#buffer.set(bytes, at);
    this.#used = used;
    this.#length = Math.max(this.#length, used);
  }

  clear(): void {
    this.#used = 0;
    this.#length = 0;
  }

  grow(sizeBytes: number): void {
    const { format } = this;
    if (format === 'Qcow2') this.#content.writeBigUInt64BE(BigInt(sizeBytes), sizeOffset);
    else if (format === 'Vmdk') this.#content.writeBigUInt64LE(sectorsOf(sizeBytes), sectorsOffset);
    else this.#length = sizeBytes;
  }

  slice(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    bytes.set(this.#content.subarray(offset, Math.max(offset, end)));
    return bytes;
  }

  get lengthBytes(): number {
    return this.#length;
  }
}

function emptyQcow2(sizeBytes: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  qcow2Magic.copy(header);
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(sizeBytes), sizeOffset);
  header.writeUInt32BE(headerBytes, 100);
  return header;
}

const sectorsOf = (sizeBytes: number): bigint => BigInt(Math.ceil(sizeBytes / sectorBytes));

/** The head of a sparse extent (VMware's Virtual Disk Format 5.0): its capacity is told in sectors. */
function emptyVmdk(sizeBytes: number): Buffer {
  const header = Buffer.alloc(sectorBytes);
  vmdkMagic.copy(header);
  header.writeUInt32LE(1, 4);
  header.writeBigUInt64LE(sectorsOf(sizeBytes), sectorsOffset);
  return header;
}

/** How long the head of each format is that is kept here. */
const headOf: Readonly<Partial<Record<VolumeFormat, number>>> = { Raw: 0, Qcow2: headerBytes, Vmdk: sectorBytes };

/** Name to file. It outlives the pool that is defined over it. */
export type Directory = Map<string, FakeFile>;

const files = { formats: ['Qcow2', 'Raw', 'Vmdk'], can: ['create', 'delete', 'grow', 'stream'] } as const;
/** What is there is used, and nothing is made. */
const found = { formats: [], can: ['stream'] } as const;
/** As they are there, too, and written by guests alone. */
const images = { formats: [], can: [] } as const;
const devices = { formats: ['Raw'], can: ['create', 'delete', 'stream'] } as const;

/** The folder that the volumes of such a pool are in. */
export function placeOf(source: PoolSource): string {
  switch (source.kind) {
    case 'smb':
      return uncOf(source);
    case 'lvm':
      return `/dev/${source.volumeGroup}`;
    case 'zfs':
      return `/dev/zvol/${source.dataset}`;
    case 'disk':
      return '/dev';
    case 'iscsi':
      return `/dev/disk/by-path/${source.target}`;
    case 'rbd':
      return `rbd://${source.monitors.join(',')}/${source.pool}`;
    default:
      return source.path;
  }
}

const abilitiesOf = (source: PoolSource) => {
  if (source.kind === 'rbd') return images;
  if (source.kind === 'disk' || source.kind === 'iscsi') return found;
  return pathOf(source) === undefined && source.kind !== 'smb' ? devices : files;
};

/** A pool on a fake host: it knows the files it has seen, which are not always those that are there. */
export class FakePool {
  readonly id: PoolId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly source: PoolSource;
  active = false;
  credentials: Credentials | undefined;
  /** Shows as a pool that does not answer. */
  silent = false;
  formats: readonly VolumeFormat[];
  readonly can: readonly VolumeVerb[];
  readonly directory: Directory;
  readonly known = new Set<string>();
  readonly roomBytes: number;

  constructor(identity: Pick<FakePool, 'id' | 'uuid' | 'nativeName' | 'source' | 'directory' | 'roomBytes'>) {
    ({ id: this.id, uuid: this.uuid, nativeName: this.nativeName, source: this.source } = identity);
    ({ directory: this.directory, roomBytes: this.roomBytes } = identity);
    ({ formats: this.formats, can: this.can } = abilitiesOf(this.source));
  }

  /** Where its volumes are. */
  get path(): string {
    return placeOf(this.source);
  }

  get allocationBytes(): number {
    return [...this.directory.values()].reduce((sum, file) => sum + file.allocationBytes, 0);
  }

  get availableBytes(): number {
    return Math.max(0, this.roomBytes - this.allocationBytes);
  }

  refresh(): void {
    this.known.clear();
    for (const name of this.directory.keys()) this.known.add(name);
  }

  mustHaveRoom(wantedBytes: number): void {
    if (wantedBytes > this.availableBytes)
      throw new DriverError('Exhausted', `pool "${this.nativeName}" has ${this.availableBytes} bytes free, ${wantedBytes} asked`);
  }

  pool(): Pool {
    const { id, uuid, nativeName, path, source, active, formats, can, roomBytes, allocationBytes, availableBytes } = this;
    return {
      id,
      uuid,
      nativeName,
      path,
      source,
      active,
      formats,
      can,
      ...(this.silent ? { silent: true as const } : {}),
      capacityBytes: roomBytes,
      allocationBytes,
      availableBytes,
    };
  }
}
