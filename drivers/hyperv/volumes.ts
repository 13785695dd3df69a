import type { MachineId, PoolId, Volume, VolumeDefinition, VolumeId, VolumeSource, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Clones } from './clones.js';
import type { Contents, Range } from './contents.js';
import type { StoredFile } from './files.js';
import { KnownDisks } from './known-disks.js';
import type { HypervPools } from './pools.js';
import {
  checkLink,
  checkOne,
  checkVolumeName,
  diskFormatOf,
  fileOf,
  filesByName,
  filesOf,
  filledPath,
  isMissing,
  isPlaceholder,
  isSized,
  isUnfilled,
  partsOf,
  placeholderOf,
  rivalry,
  sizeOf,
  typeOf,
  unfilledOf,
  volumeOf,
} from './volume.js';
import { VolumeContents } from './volume-contents.js';
import type { ImageService } from './wmi/image-service.js';
import type { VersionLimits } from './wmi/limits.js';

/** The smallest that Hyper-V makes, in bytes. */
const smallestBytes = 3 * 2 ** 20;

/** Virtual disks in a folder, and the empty ones that keep a name. They are dynamic, and a file grows as its guest writes, or fixed, and it is as long as the disk from the first. */
export class HypervVolumes implements Volumes {
  readonly #limits: VersionLimits;
  readonly #pools: HypervPools;
  readonly #images: ImageService;
  readonly #contents: VolumeContents;
  readonly #disks: KnownDisks;
  readonly #clones: Clones;

  constructor(limits: VersionLimits, pools: HypervPools, images: ImageService, contents: Contents) {
    this.#limits = limits;
    this.#pools = pools;
    this.#images = images;
    this.#contents = new VolumeContents(pools, contents);
    this.#disks = new KnownDisks(images);
    this.#clones = new Clones(pools, this.#disks);
  }

  async list(pool: PoolId, { refresh }: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]> {
    const files = await this.#pools.files(pool, signal);
    if (refresh) this.#disks.refresh(files);
    let again: Promise<readonly StoredFile[]> | undefined;
    const isGone = async (file: StoredFile) => {
      again ??= this.#pools.files(pool, signal);
      return isMissing(file, await again);
    };
    const volumes: Volume[] = [];
    for (const own of filesByName(pool, files)) {
      const volume = await this.#volumeIn(pool, own, isGone, signal);
      if (volume !== undefined) volumes.push(volume);
    }
    return volumes;
  }

  /** Of two files that may be it, neither is told as it: a machine would get the other's. What its folder shows is not gone, whatever the host finds. */
  async #volumeIn(
    pool: PoolId,
    own: readonly StoredFile[],
    isGone: (file: StoredFile) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<Volume | undefined> {
    const why = rivalry(own);
    for (const file of own) {
      const disk = await this.#disks.asked(file, signal);
      const isRead = !(disk instanceof DriverError);
      if (!isRead && disk.code === 'NotFound' && (await isGone(file))) continue;
      const volume = volumeOf(pool, file, isRead ? disk : undefined);
      const unread = why ?? (isRead || !isSized(file.name) ? undefined : disk.message);
      return volume === undefined || unread === undefined ? volume : { ...volume, unread };
    }
    return undefined;
  }

  async create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume> {
    // What another life began may be this very one, and its file not there yet.
    await this.#images.othersMade(signal);
    const folder = await this.#folderFor(definition, signal);
    if (definition.format === 'Raw' && definition.sizeBytes > 0) return this.#createDisc(definition, folder, signal);
    const { file, sizeBytes } = this.#emptyFor(definition);
    const path = `${folder}\\${file}`;
    if (isUnfilled(file)) await this.#contents.reach(definition.nativeName, path, signal);
    await this.#images.create({ type: typeOf(definition), path, sizeBytes }, signal);
    return this.#must(definition, signal);
  }

  /** Nothing but virtual disks can be made by the host. */
  #emptyFor(definition: VolumeDefinition): { readonly file: string; readonly sizeBytes: number } {
    const { nativeName, format, sizeBytes, allocation } = definition;
    const [best = 'Vhd'] = this.#limits.formats;
    if (format === 'Raw') return { file: placeholderOf(nativeName, best), sizeBytes: smallestBytes };
    const ofDisk = diskFormatOf(definition, this.#limits.formats);
    if (sizeBytes > 0) return { file: fileOf(nativeName, ofDisk), sizeBytes: sizeOf(nativeName, sizeBytes, ofDisk) };
    if (allocation !== undefined)
      throw new DriverError(
        'Unsupported',
        `volume "${nativeName}": allocation ${allocation} was given; a disk that is uploaded takes the room that it takes: leave it out`,
      );
    return { file: unfilledOf(nativeName, ofDisk), sizeBytes: smallestBytes };
  }

  async #createDisc(definition: VolumeDefinition, folder: string, signal: AbortSignal): Promise<Volume> {
    const { nativeName, sizeBytes, allocation } = definition;
    this.#contents.check(nativeName, folder);
    if (allocation !== undefined)
      throw new DriverError('Unsupported', `volume "${nativeName}": allocation ${allocation} was given; a Raw one has none: leave it out`);
    // By its name what was written of it is found, and goes with it, whoever ends amid that.
    const [best = 'Vhd'] = this.#limits.formats;
    const path = `${folder}\\${placeholderOf(nativeName, best)}`;
    await this.#images.create({ type: 'Dynamic', path, sizeBytes: smallestBytes }, signal);
    await this.grow(definition, sizeBytes, signal);
    return this.#must(definition, signal);
  }

  /** Whoever dies before it is grown leaves a volume of its source's size, as one that broke midway. */
  async copy(definition: VolumeDefinition, from: VolumeSource, signal: AbortSignal): Promise<Volume> {
    const path = fileOf(definition.nativeName, diskFormatOf(definition, this.#limits.formats));
    await this.#images.othersCopied(signal);
    const folder = await this.#folderFor(definition, signal);
    const source = await this.#sourceFor(definition, from, signal);
    await this.#images.convert(source.location, `${folder}\\${path}`, typeOf(definition), signal);
    await this.grow(definition, definition.sizeBytes, signal);
    return this.#must(definition, signal);
  }

  /** A differencing disk has its base's format, and a VHD its size, too. */
  async link(definition: VolumeDefinition, base: VolumeSource, signal: AbortSignal): Promise<Volume> {
    const { nativeName, sizeBytes } = definition;
    const format = diskFormatOf(definition, this.#limits.formats);
    await this.#images.othersMade(signal);
    const folder = await this.#folderFor(definition, signal);
    const source = await this.#sourceFor(definition, base, signal);
    checkLink(definition, source);
    const path = `${folder}\\${fileOf(nativeName, format)}`;
    await this.#images.create({ type: 'Differencing', path, parent: source.location }, signal);
    await this.grow(definition, sizeBytes, signal);
    return this.#must(definition, signal);
  }

  async wipe({ nativeName }: VolumeId, _signal: AbortSignal): Promise<void> {
    throw new DriverError('Unsupported', `volume "${nativeName}": on Hyper-V volumes are not wiped`);
  }

  async growAttached({ nativeName }: VolumeId, _machine: MachineId, _sizeBytes: number, _signal: AbortSignal): Promise<void> {
    throw new DriverError(
      'Unsupported',
      `volume "${nativeName}": a disk of a machine that is on is not grown here; switch the machine off`,
    );
  }

  async upload(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const volume = await this.#must(id, signal);
    if (isSized(volume.location)) await this.#clones.checkAlone(id, signal);
    try {
      await this.#contents.upload(volume, content, signal);
    } finally {
      // Its file may be as long as before.
      this.#disks.mistrust(filledPath(volume.location));
    }
  }

  async resume(id: VolumeId, _offset: number, _content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#must(id, signal);
    throw new DriverError('Unsupported', `volume "${id.nativeName}": on Hyper-V no upload goes on from where it broke; upload all of it`);
  }

  async *download(id: VolumeId, range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* this.#contents.download(await this.#must(id, signal), range, signal);
  }

  /** By the size that it has now: Hyper-V makes disks smaller, too, when it is asked to. */
  async grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const volume = await this.#must(id, signal);
    const { location } = volume;
    const is = isSized(location) ? await this.#images.look(location, signal) : volume;
    if (is.sizeBytes > sizeBytes)
      throw new DriverError('Invalid', `volume "${id.nativeName}" has ${is.sizeBytes} bytes, ${sizeBytes} asked; a volume never shrinks`);
    try {
      if (is.sizeBytes === sizeBytes) return;
      if (volume.format === 'Raw') return await this.#contents.extend(volume, sizeBytes, signal);
      if (isPlaceholder(location)) throw new DriverError('Conflict', `volume "${id.nativeName}" is empty; upload a disk first`);
      await this.#clones.checkAlone(id, signal);
      await this.#images.grow(location, sizeOf(id.nativeName, sizeBytes, volume.format), signal);
    } finally {
      // Its file may be as long as before, whoever has grown it.
      this.#disks.mistrust(location);
    }
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    const files = await this.#pools.files(id.pool, signal);
    const own = filesOf(id.pool, id.nativeName, files);
    checkOne(id, own);
    // Nobody links to what but keeps a name: it goes, whatever else is untold.
    if (own.some(({ name }) => isSized(name))) await this.#clones.checkAlone(id, signal);
    for (const { path } of [...partsOf(own, files), ...own]) {
      this.#disks.forget(path);
      await this.#pools.remove(id.pool, path, signal);
    }
  }

  /** @throws DriverError as `checkFree`, and Invalid for a name that none can have */
  async #folderFor(definition: VolumeDefinition, signal: AbortSignal): Promise<string> {
    checkVolumeName(definition.nativeName);
    const folder = await this.#pools.path(definition.pool, signal);
    await this.#checkFree(definition, folder, signal);
    return folder;
  }

  /** @throws DriverError Conflict, or Busy while the host still makes it */
  async #checkFree(id: VolumeId, folder: string, signal: AbortSignal): Promise<void> {
    const file = await this.#file(id, signal);
    if (file === undefined) return;
    const isWhole = !isSized(file.name) || !((await this.#disks.asked(file, signal)) instanceof DriverError);
    if (isWhole) throw new DriverError('Conflict', `there is a volume "${id.nativeName}" in ${folder} already`);
    throw new DriverError('Busy', `volume "${id.nativeName}" in ${folder}: the host still makes it, or does not tell its size`);
  }

  /** What a volume is to be made from, which must have room in it. */
  async #sourceFor(definition: VolumeDefinition, { id, format }: VolumeSource, signal: AbortSignal): Promise<Volume> {
    const { nativeName, sizeBytes } = definition;
    const source = await this.#must(id, signal);
    if (!isSized(source.location) || source.format !== format)
      throw new DriverError(
        'Invalid',
        `volume "${id.nativeName}" is no virtual disk of format ${format}; it is neither copied nor linked to`,
      );
    await this.#clones.checkMerged(id, signal);
    if (source.sizeBytes <= sizeOf(nativeName, sizeBytes, definition.format)) return source;
    const has = `volume "${id.nativeName}" has ${source.sizeBytes}`;
    throw new DriverError('Invalid', `volume "${nativeName}": ${sizeBytes} bytes were given, and ${has}; accepted: at least as many`);
  }

  async #must(id: VolumeId, signal: AbortSignal): Promise<Volume> {
    const file = await this.#file(id, signal);
    if (file === undefined) throw new DriverError('NotFound', `there is no volume "${id.nativeName}" in ${id.pool}`);
    const disk = await this.#disks.asked(file, signal);
    // Whoever uploaded what is no disk has to read why.
    if (disk instanceof DriverError && isSized(file.name))
      throw new DriverError(disk.code, `volume "${id.nativeName}": ${disk.message}`, { cause: disk });
    const volume = volumeOf(id.pool, file, disk instanceof DriverError ? undefined : disk);
    if (volume === undefined || (disk === undefined && isSized(file.name)))
      throw new DriverError('Busy', `volume "${id.nativeName}": the host does not tell its size now`);
    return volume;
  }

  /** @throws DriverError Conflict where there are two that may be it */
  async #file(id: VolumeId, signal: AbortSignal): Promise<StoredFile | undefined> {
    const own = filesOf(id.pool, id.nativeName, await this.#pools.files(id.pool, signal));
    checkOne(id, own);
    return own[0];
  }
}
