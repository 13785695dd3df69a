import { DriverError } from '#drivers/error.js';
import { nonsense } from './bytes.js';
import { OpenFile, type SmbFile } from './file.js';
import { commands } from './header.js';
import { access, type Create, type Created, dispositions, options, sharing } from './messages/file.js';
import {
  decodeQueryDirectory,
  decodeQuerySpace,
  type Entry,
  encodeDelete,
  encodeQueryDirectory,
  encodeQuerySpace,
  encodeRename,
  outputIn,
} from './messages/info.js';
import { encodeQuerySecurity, encodeSecurity, type Grant, isGrantedAlone } from './messages/security.js';
import { statuses } from './status.js';
import type { Tree } from './tree.js';

/** Paths are relative to the share, with backslashes; empty for its own folder. */
export interface SmbShare {
  /** A file that was not there; Conflict where one is. Nobody else opens it until it is closed. */
  create(path: string, signal: AbortSignal): Promise<SmbFile>;
  /**
   * The same, of a file that nobody but these may open, whatever its folder says: Unsupported where the server does not keep it so, and an empty file is
   * left.
   */
  createFor(path: string, grants: readonly Grant[], signal: AbortSignal): Promise<SmbFile>;
  /** An empty file, whatever was there; Busy where others have that open. Nobody else opens it until it is closed. */
  replace(path: string, signal: AbortSignal): Promise<SmbFile>;
  /** NotFound where there is none; Busy where others have it open and would be in the way, as to who writes they always are. */
  open(path: string, mode: 'read' | 'write', signal: AbortSignal): Promise<SmbFile>;
  /** Conflict where there is one already that is not to be replaced. */
  rename(from: string, to: string, replace: boolean, signal: AbortSignal): Promise<void>;
  /** A file, once nobody has it open; NotFound where there is none, Busy where others have it open and do not let it go. */
  delete(path: string, signal: AbortSignal): Promise<void>;
  list(path: string, signal: AbortSignal): Promise<readonly Entry[]>;
  /** In bytes; `free` is what our account may still take. */
  space(signal: AbortSignal): Promise<{ readonly total: number; readonly free: number }>;
}

const listBytes = 65_536;
const maxEntries = 100_000;
/** What the longest list of rights takes, in bytes. */
const securityBytes = 65_536;
const { read, write, readAttributes, readRights, synchronize } = access;
const look = readAttributes | synchronize;

const modes = {
  read: { access: read | look, sharing: sharing.read },
  write: { access: read | write | look, sharing: sharing.none },
} as const;

/** One share, by the session of its client. */
export class ShareOfTree implements SmbShare {
  readonly #tree: Tree;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  async create(path: string, signal: AbortSignal): Promise<SmbFile> {
    return this.#file(path, { ...modes.write, disposition: dispositions.create, options: options.noFolder }, signal);
  }

  async createFor(path: string, grants: readonly Grant[], signal: AbortSignal): Promise<SmbFile> {
    const wanted = { ...modes.write, access: modes.write.access | readRights, disposition: dispositions.create, options: options.noFolder };
    const { fileId, size } = await this.#tree.create({ path: checked(path), ...wanted, security: encodeSecurity(grants) }, signal);
    try {
      // A server may leave the rights out and say nothing (MS-SMB2 3.3.5.9.2).
      await this.#assertGranted(path, fileId, grants, signal);
    } catch (reason) {
      await this.#tree.close(fileId);
      throw reason;
    }
    return new OpenFile(this.#tree, path, fileId, size);
  }

  async replace(path: string, signal: AbortSignal): Promise<SmbFile> {
    return this.#file(path, { ...modes.write, disposition: dispositions.overwriteIf, options: options.noFolder }, signal);
  }

  async open(path: string, mode: 'read' | 'write', signal: AbortSignal): Promise<SmbFile> {
    return this.#file(path, { ...modes[mode], disposition: dispositions.open, options: options.noFolder }, signal);
  }

  async rename(from: string, to: string, replace: boolean, signal: AbortSignal): Promise<void> {
    checked(to);
    const moved = { access: access.delete | look, sharing: sharing.all, disposition: dispositions.open, options: options.linkItself };
    await this.#opened(from, moved, signal, async ({ fileId }) => {
      // What is refused is the name that it would have.
      await this.#tree.ask(to, { command: commands.setInfo, body: encodeRename(fileId, to, replace) }, signal);
    });
  }

  async delete(path: string, signal: AbortSignal): Promise<void> {
    const gone = { access: access.delete | look, sharing: sharing.all, disposition: dispositions.open };
    await this.#opened(path, { ...gone, options: options.noFolder | options.linkItself }, signal, async ({ fileId }) => {
      await this.#tree.ask(path, { command: commands.setInfo, body: encodeDelete(fileId) }, signal);
    });
  }

  async list(path: string, signal: AbortSignal): Promise<readonly Entry[]> {
    const folder = { access: read | look, sharing: sharing.all, disposition: dispositions.open, options: options.folder };
    return await this.#opened(path, folder, signal, ({ fileId }) => this.#entries(path, fileId, signal));
  }

  async space(signal: AbortSignal): Promise<{ readonly total: number; readonly free: number }> {
    const folder = { access: look, sharing: sharing.all, disposition: dispositions.open, options: options.folder };
    return await this.#opened('', folder, signal, async ({ fileId }) => {
      const { packet } = await this.#tree.ask('', { command: commands.queryInfo, body: encodeQuerySpace(fileId) }, signal);
      return decodeQuerySpace(packet);
    });
  }

  async #assertGranted(path: string, fileId: Buffer, grants: readonly Grant[], signal: AbortSignal): Promise<void> {
    const question = { command: commands.queryInfo, body: encodeQuerySecurity(fileId, securityBytes), payload: securityBytes };
    const { packet } = await this.#tree.ask(path, question, signal);
    if (!isGrantedAlone(outputIn(packet).bytes, grants))
      throw new DriverError('Unsupported', `${path}: the file system there does not keep it from others`);
  }

  async #file(path: string, how: Omit<Create, 'path'>, signal: AbortSignal): Promise<SmbFile> {
    const { fileId, size } = await this.#tree.create({ path: checked(path), ...how }, signal);
    return new OpenFile(this.#tree, path, fileId, size);
  }

  async #opened<T>(path: string, how: Omit<Create, 'path'>, signal: AbortSignal, act: (created: Created) => Promise<T>): Promise<T> {
    const created = await this.#tree.create({ path: checked(path), ...how }, signal);
    try {
      return await act(created);
    } finally {
      await this.#tree.close(created.fileId);
    }
  }

  async #entries(path: string, fileId: Buffer, signal: AbortSignal): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    const question = { command: commands.queryDirectory, body: encodeQueryDirectory(fileId, listBytes), payload: listBytes };
    for (let barren = 0; ; ) {
      const { header, packet } = await this.#tree.ask(path, question, signal, [statuses.noMoreFiles]);
      if (header.status === statuses.noMoreFiles) return entries;
      const more = decodeQueryDirectory(packet);
      entries.push(...more);
      // The folder itself and the one above come once each: with nothing but these again and again no list would ever end.
      if (more.length === 0) barren += 1;
      if (barren > 2) throw nonsense(`${path}: the list of a folder goes on, and nothing is on it`);
      if (entries.length > maxEntries)
        throw new DriverError('Exhausted', `${path}: more than ${maxEntries} files are in it; at most so many are listed`);
    }
  }
}

/** Windows would take some of these for another path, or for a part of a file that is not its content. @throws DriverError Invalid */
function checked(path: string): string {
  if (/^\\|\\$|\\\\|[/\0:*?"<>|]/.test(path) || path.split('\\').some((name) => name === '..' || name === '.'))
    throw new DriverError(
      'Invalid',
      `path "${path}" given; accepted: names with a backslash between them, as in Disks\\a.vhdx, and without / : * ? " < > |`,
    );
  return path;
}
