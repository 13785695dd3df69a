import type { Connection, Lane } from './rpc/connection.js';
import type { Procedure } from './rpc/procedure.js';
import type { Names } from './xml/names.js';
import { namesInAliases } from './xml/names-in-metadata.js';

/** In milliseconds. Destroying a machine whose QEMU does not react takes libvirt up to 15 s. */
const timeouts = { control: 10_000, slow: 60_000, guest: 10_000 } as const;

/** What the facets need of a connection: each call in the lane, and with the patience, that its kind needs. */
export class Daemon {
  readonly connection: Connection;
  /** Where the devices of its machines carry their names. */
  readonly names: Names;
  /** Whether directory volumes are filled and emptied from here: its files are ours as well. */
  readonly fillsDirectories: boolean;

  constructor(connection: Connection, names: Names = namesInAliases, fillsDirectories = false) {
    this.connection = connection;
    this.names = names;
    this.fillsDirectories = fillsDirectories;
  }

  /** For what the daemon knows by itself. `about`, e.g. a machine's id, keeps one thing's calls in a row. */
  ask<Args, Result>(procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal, about?: string): Promise<Result> {
    return this.#call('control', procedure, args, signal, about);
  }

  /** For what a machine, or a disk, must do: it may be slow, or hang. */
  order<Args, Result>(procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal, about?: string): Promise<Result> {
    return this.#call('slow', procedure, args, signal, about);
  }

  /** For what a system in a machine must do. However many of them are silent, nothing else waits. */
  consult<Args, Result>(procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal, about: string): Promise<Result> {
    return this.#call('guest', procedure, args, signal, about);
  }

  #call<Args, Result>(
    lane: Lane,
    procedure: Procedure<Args, Result>,
    args: Args,
    signal: AbortSignal,
    key: string | undefined,
  ): Promise<Result> {
    const options = { lane, timeoutMs: timeouts[lane], ...(key === undefined ? {} : { key }) };
    return this.connection.call(procedure, args, options, signal);
  }
}
