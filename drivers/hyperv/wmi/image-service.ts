import { DriverError } from '#drivers/error.js';
import type { Outcome } from '../wsman/client.js';
import { decodeEmbedded, encodeEmbedded } from '../wsman/embedded.js';
import type { Reference } from '../wsman/instance.js';
import { nonsense } from '../wsman/nonsense.js';
import { imageService } from './classes.js';
import type { Jobs } from './jobs.js';
import type { Wmi } from './wmi.js';

/** A virtual disk that is to be. */
export type NewDisk =
  | { readonly type: 'Fixed' | 'Dynamic'; readonly path: string; readonly sizeBytes: number }
  | { readonly type: 'Differencing'; readonly path: string; readonly parent: string };

/** A virtual disk as the host knows it. */
export interface Disk {
  readonly type: 'Fixed' | 'Dynamic' | 'Differencing';
  /** What a guest sees. */
  readonly sizeBytes: number;
  /** What the file takes. */
  readonly fileBytes: number;
  readonly parent?: string;
  readonly inUse: boolean;
}

const types = { Fixed: '2', Dynamic: '3', Differencing: '4' } as const;
const formats: Readonly<Record<string, string>> = { vhd: '2', vhdx: '3' };

const creating = {
  Fixed: 'CreateFixedVirtualHardDisk',
  Dynamic: 'CreateDynamicVirtualHardDisk',
  Differencing: 'CreateDifferencingVirtualHardDisk',
} as const;

/** `Msvm_ImageManagementService`, in either version. The format is the file's extension; version 1 has but VHD. */
export class ImageService {
  readonly #wmi: Wmi;
  readonly #jobs: Jobs;
  #reference: Promise<Reference> | undefined;

  constructor(wmi: Wmi, jobs: Jobs) {
    this.#wmi = wmi;
    this.#jobs = jobs;
  }

  /** Takes as long as the host writes: a fixed disk in full. */
  async create(disk: NewDisk, signal: AbortSignal): Promise<void> {
    const format = this.#formatOf(disk.path);
    if (this.#wmi.version === 'v1') {
      const more = disk.type === 'Differencing' ? { ParentPath: disk.parent } : { MaxInternalSize: disk.sizeBytes };
      await this.#write(creating[disk.type], { Path: disk.path, ...more }, disk.path, signal);
    } else await this.#write('CreateVirtualHardDisk', { VirtualDiskSettingData: settingsText(disk, format) }, disk.path, signal);
  }

  /** Makes a disk of what a guest sees of another one, which nobody may write to meanwhile. In version 2 the formats may differ. */
  async convert(from: string, path: string, type: 'Fixed' | 'Dynamic', signal: AbortSignal): Promise<void> {
    const format = this.#formatOf(path);
    const given =
      this.#wmi.version === 'v1'
        ? { SourcePath: from, DestinationPath: path, Type: types[type] }
        : { SourcePath: from, VirtualDiskSettingData: settingsText({ type, path }, format) };
    await this.#write('ConvertVirtualHardDisk', given, path, signal);
  }

  /** Waits until disks that another life, or somebody else, began to make can be seen. @throws DriverError Busy */
  async othersMade(signal: AbortSignal): Promise<void> {
    await this.#jobs.disksMade(signal);
  }

  /** Waits for copies that another life, or somebody else, began. @throws DriverError Busy */
  async othersCopied(signal: AbortSignal): Promise<void> {
    await this.#jobs.disksCopied(signal);
  }

  async grow(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const method = this.#wmi.version === 'v1' ? 'ExpandVirtualHardDisk' : 'ResizeVirtualHardDisk';
    await this.#write(method, { Path: path, MaxInternalSize: sizeBytes }, path, signal);
  }

  /** NotFound when there is no such file. */
  async look(path: string, signal: AbortSignal): Promise<Disk> {
    return this.#look(path, signal).catch((reason) => {
      throw unread(path, reason);
    });
  }

  async #look(path: string, signal: AbortSignal): Promise<Disk> {
    if (this.#wmi.version === 'v1') return diskOf(await this.#read('GetVirtualHardDiskInfo', 'Info', path, signal));
    const settings = await this.#read('GetVirtualHardDiskSettingData', 'SettingData', path, signal);
    const state = await this.#read('GetVirtualHardDiskState', 'State', path, signal);
    return diskOf(new Map([...settings, ...state]));
  }

  #formatOf(path: string): string {
    const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
    const format = Object.hasOwn(formats, extension) ? formats[extension] : undefined;
    if (format !== undefined && (this.#wmi.version === 'v2' || extension === 'vhd')) return format;
    const accepted = this.#wmi.version === 'v2' ? '.vhdx, .vhd' : '.vhd';
    throw new DriverError('Invalid', `virtual disk ${JSON.stringify(path)}: its name ends otherwise than in ${accepted}`);
  }

  async #read(method: string, name: string, path: string, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
    const { values } = await this.#call(method, { Path: path }, signal);
    const [text] = values.get(name) ?? [];
    // Either of these may be done by a job, which keeps the answer to itself.
    if (typeof text !== 'string') throw nonsense(`${method} gives no ${name}`);
    return decodeEmbedded(text).properties;
  }

  async #write(method: string, given: Parameters<Wmi['client']['invoke']>[2], path: string, signal: AbortSignal): Promise<void> {
    await this.#call(method, given, signal).catch((reason) => {
      throw isDenied(reason) && isShared(path) ? notHandedOn(path, reason) : reason;
    });
  }

  async #call(method: string, given: Parameters<Wmi['client']['invoke']>[2], signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#wmi.client.invoke(await this.#service(signal), method, given, signal);
    await this.#jobs.finished(method, outcome, signal);
    return outcome;
  }

  /** Asked for once; a failure is asked for again. */
  #service(signal: AbortSignal): Promise<Reference> {
    this.#reference ??= this.#wmi.only(imageService, signal).then(
      ({ reference }) => reference,
      (reason) => {
        this.#reference = undefined;
        throw reason;
      },
    );
    return this.#reference;
  }
}

const isShared = (path: string): boolean => path.startsWith('\\\\');

const isDenied = (reason: unknown): reason is DriverError => reason instanceof DriverError && reason.code === 'Denied';

const notHandedOn = (path: string, cause: DriverError): DriverError =>
  new DriverError('Denied', `${cause.message}; ${whomToLetIn(path)}`, { cause });

/** A host that may not read a disk may say no more than that it failed. */
function unread(path: string, reason: unknown): unknown {
  const isSilent = reason instanceof DriverError && reason.code === 'Internal';
  if (!isDenied(reason) && !isSilent) return reason;
  const remedy = `${isSilent ? 'if it may not read the file: ' : ''}${whomToLetIn(path)}`;
  return new DriverError(reason.code, `${reason.message}; ${remedy}`, { cause: reason });
}

/** Hyper-V is SYSTEM. To a share it goes as who asks it to, whom Windows hands on to a file server only by Kerberos and where it was told to. */
function whomToLetIn(path: string): string {
  if (!isShared(path)) return 'the file has to let in SYSTEM, as which Hyper-V reads it (icacls)';
  const server = path.slice(2).split('\\')[0];
  const rights = "the share and its folder have to let in both the host's computer account and the account that we log in with";
  return `${rights}, and the host has to be let hand that one on: auth=kerberos in its URI, and delegation of its computer account to cifs/${server}`;
}

function settingsText(
  disk: NewDisk | { readonly type: 'Fixed' | 'Dynamic'; readonly path: string; readonly sizeBytes?: never },
  format: string,
): string {
  const text = (name: string, type: 'string' | 'uint16' | 'uint64', value: string) => ({ name, type, isArray: false, values: [value] });
  return encodeEmbedded('Msvm_VirtualHardDiskSettingData', [
    text('Path', 'string', disk.path),
    text('Type', 'uint16', types[disk.type]),
    text('Format', 'uint16', format),
    ...(disk.type === 'Differencing' ? [text('ParentPath', 'string', disk.parent)] : []),
    ...('sizeBytes' in disk ? [text('MaxInternalSize', 'uint64', String(disk.sizeBytes))] : []),
  ]);
}

function diskOf(told: ReadonlyMap<string, readonly string[]>): Disk {
  const said = (name: string) => told.get(name)?.[0] ?? '';
  const type = (Object.keys(types) as (keyof typeof types)[]).find((each) => types[each] === said('Type'));
  const [sizeBytes, fileBytes] = [Number(said('MaxInternalSize')), Number(said('FileSize'))];
  if (type === undefined || !Number.isSafeInteger(sizeBytes) || !Number.isSafeInteger(fileBytes))
    throw nonsense('it describes no virtual disk');
  const parent = said('ParentPath');
  return { type, sizeBytes, fileBytes, inUse: /^true$/i.test(said('InUse')), ...(parent === '' ? {} : { parent }) };
}
