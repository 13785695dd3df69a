import type { PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { collide, describeSource, movedFrom, pathOf, userOf } from '#drivers/pool-source.js';
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

function mustBePath(field: string, path: string): void {
  mustBeWritable(path);
  if (!path.startsWith('/') || path.split('/').some((part) => part === '..' || part === '.'))
    throw new DriverError('Invalid', `${field}: ${JSON.stringify(path)} given, an absolute path without "." and ".." accepted`);
}

function define(host: Host, { uuid: given, nativeName, source, credentials }: PoolDefinition): PoolId {
  const uuid = canonicalUuid(given);
  mustBeName(nativeName);
  const path = pathOf(source);
  if (path !== undefined) mustBePath(`${source.kind}.path`, path);
  const pools = [...host.pools.values()];
  const existing = pools.find((pool) => pool.uuid === uuid);
  const moved = existing === undefined ? undefined : movedFrom(source, existing.source);
  if (moved !== undefined)
    throw new DriverError('Invalid', `${moved.field}: ${moved.given} given, pool "${nativeName}" has ${moved.is} and is not moved`);
  const taken = pools.find((pool) => pool.uuid !== uuid && (pool.nativeName === nativeName || collide(pool.source, source)));
  if (existing === undefined && taken !== undefined)
    throw new DriverError('NotOurs', `pool "${taken.nativeName}", ${describeSource(taken.source)}, belongs to another (${taken.uuid})`);
  const pool = existing ?? host.addPool(uuid, nativeName, source);
  pool.credentials = credentials ?? pool.credentials;
  return pool.id;
}

function start(host: Host, id: PoolId): void {
  const pool = mustFindPool(host, id);
  if (pool.active) return;
  const account = host.accounts.get(describeSource(pool.source));
  const [username, password] = [userOf(pool.source, pool.credentials), pool.credentials?.text('password')];
  if (account !== undefined && (account.username !== username || account.password !== password))
    throw new DriverError('Denied', `${describeSource(pool.source)} lets nobody in as ${username ?? 'nobody'}`);
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
