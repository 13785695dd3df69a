import type { PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakePool } from './store.js';
import { canonicalUuid, mustBeName, mustBeWritable } from './text.js';

type Host = FakeHost<Clock>;

export function mustFindPool(host: Host, id: PoolId): FakePool {
  const pool = host.pools.get(id);
  if (pool === undefined) throw new DriverError('NotFound', `no pool ${id} on this host`);
  return pool;
}

function mustBePath(path: string): void {
  mustBeWritable(path);
  if (!path.startsWith('/') || path.split('/').some((part) => part === '..' || part === '.'))
    throw new DriverError('Invalid', `directory.path: ${JSON.stringify(path)} given, an absolute path without "." and ".." accepted`);
}

function define(host: Host, { uuid: given, nativeName, directory: { path } }: PoolDefinition): PoolId {
  const uuid = canonicalUuid(given);
  mustBeName(nativeName);
  mustBePath(path);
  const pools = [...host.pools.values()];
  const existing = pools.find((pool) => pool.uuid === uuid);
  if (existing !== undefined && existing.path !== path)
    throw new DriverError(
      'Invalid',
      `directory.path: ${path} given, pool "${existing.nativeName}" is at ${existing.path} and is not moved`,
    );
  const taken = pools.find((pool) => pool.uuid !== uuid && (pool.nativeName === nativeName || pool.path === path));
  if (existing === undefined && taken !== undefined)
    throw new DriverError('NotOurs', `pool "${taken.nativeName}" at ${taken.path} belongs to another (${taken.uuid})`);
  return (existing ?? host.addPool(uuid, nativeName, path)).id;
}

function start(host: Host, id: PoolId): void {
  const pool = mustFindPool(host, id);
  if (pool.active) return;
  pool.active = true;
  pool.refresh();
  host.emit({ kind: 'pool', id });
}

export function poolsOf(host: Host, connection: Connection): Pools {
  const of = (id: PoolId) => host.pools.get(id)?.nativeName ?? id;
  return {
    list: (signal) => connection.ask({ verb: 'pools.list' }, signal, () => [...host.pools.values()].map((pool) => pool.pool())),
    define: (definition, signal) =>
      connection.ask({ verb: 'pools.define', of: definition.nativeName }, signal, () => define(host, definition)),
    start: (id, signal) => connection.ask({ verb: 'pools.start', of: of(id) }, signal, () => start(host, id)),
    undefine: (id, signal) =>
      connection.ask({ verb: 'pools.undefine', of: of(id) }, signal, () => {
        if (host.pools.delete(id)) host.emit({ kind: 'pool', id });
      }),
  };
}
