import type { Pool, PoolId, PoolSource, Pools, Volume, VolumeDefinition, VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { pathOf } from '#drivers/pool-source.js';
import type { Ask } from './ask.js';
import type { RehearsedHost } from './host.js';

/** How large a store is that is not there yet nobody knows: large enough. */
const roomBytes = 2 ** 50;

/** Shares are Hyper-V's alone. */
function abilitiesOf(source: PoolSource): Pick<Pool, 'formats' | 'can'> {
  if (source.kind === 'smb') return { formats: ['Vhdx', 'Vhd'], can: ['create', 'delete', 'grow'] };
  if (pathOf(source) === undefined) return { formats: ['Raw'], can: ['create', 'delete', 'stream'] };
  return { formats: ['Qcow2', 'Raw'], can: ['create', 'delete', 'grow', 'stream'] };
}

export function poolsOf(host: RehearsedHost, ask: Ask): Pools {
  const nameOf = (id: PoolId) => host.pools.get(id)?.nativeName ?? id;
  return {
    list: async () => [...host.pools.values()],
    define: ({ uuid, nativeName, source }) =>
      ask('pools.define', nativeName, () => {
        const known = [...host.pools.values()].find((pool) => pool.uuid === uuid || pool.nativeName === nativeName);
        if (known !== undefined && known.uuid !== uuid) throw new DriverError('NotOurs', `pool "${nativeName}" on the host is not ours`);
        if (known !== undefined) return known.id;
        const id = uuid as PoolId;
        const path = pathOf(source);
        const bytes = { capacityBytes: roomBytes, allocationBytes: 0, availableBytes: roomBytes };
        const pool: Pool = {
          id,
          uuid,
          nativeName,
          source,
          active: false,
          ...abilitiesOf(source),
          ...bytes,
          ...(path === undefined ? {} : { path }),
        };
        host.pools.set(id, pool);
        host.volumes.set(id, new Map());
        return id;
      }),
    start: (id) => ask('pools.start', nameOf(id), () => void host.pools.set(id, { ...host.pool(id), active: true })),
    undefine: (id) => ask('pools.undefine', nameOf(id), () => void host.pools.delete(id)),
  };
}

export function volumesOf(host: RehearsedHost, real: Volumes, ask: Ask): Volumes {
  const nameOf = ({ pool, nativeName }: VolumeId) => `${host.pools.get(pool)?.nativeName ?? pool}/${nativeName}`;
  const make = (verb: string, definition: VolumeDefinition, base?: string) =>
    ask(`volumes.${verb}`, nameOf(definition), () => {
      const volumes = host.volumesOf(definition.pool);
      if (volumes.has(definition.nativeName)) throw new DriverError('Conflict', `there is a volume "${definition.nativeName}"`);
      const made = volumeOf(host.pool(definition.pool), definition, base);
      volumes.set(definition.nativeName, made);
      return made;
    });
  const resize = (verb: string, id: VolumeId, sizeBytes: number) =>
    ask(`volumes.${verb}`, nameOf(id), () => {
      const { pool, nativeName } = id;
      const volume = host.volumesOf(pool).get(nativeName);
      if (volume === undefined) throw new DriverError('NotFound', `there is no volume "${nativeName}"`);
      host.volumesOf(pool).set(nativeName, { ...volume, sizeBytes });
    });
  return {
    list: async (pool) => [...host.volumesOf(pool).values()],
    create: (definition) => make('create', definition),
    copy: (definition) => make('copy', definition),
    link: (definition, { id }) => make('link', definition, host.volumesOf(id.pool).get(id.nativeName)?.location),
    upload: (id) => ask('volumes.upload', nameOf(id), () => {}),
    resume: (id) => ask('volumes.resume', nameOf(id), () => {}),
    download: (id, range, signal) => real.download(id, range, signal),
    grow: (id, sizeBytes) => resize('grow', id, sizeBytes),
    growAttached: (id, _machine, sizeBytes) => resize('growAttached', id, sizeBytes),
    wipe: (id) => ask('volumes.wipe', nameOf(id), () => {}),
    delete: (id) => ask('volumes.delete', nameOf(id), () => void host.volumesOf(id.pool).delete(id.nativeName)),
  };
}

function volumeOf({ path }: Pool, { pool, nativeName, format, sizeBytes, allocation }: VolumeDefinition, base: string | undefined): Volume {
  const location = path === undefined ? nativeName : `${path}/${nativeName}`;
  const taken = allocation === undefined ? { allocationBytes: 0 } : { allocationBytes: sizeBytes, allocation };
  return { id: { pool, nativeName }, location, format, sizeBytes, ...taken, ...(base === undefined ? {} : { base }) };
}
