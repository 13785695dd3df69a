import type { StoragePool } from '#crds/types.js';
import { Credentials } from '#drivers/target.js';

/** What a store lets in by: keys of the Secret that the pool names. */
const keysOf = ({ spec }: StoragePool): readonly string[] => (spec.rbd === undefined ? ['username', 'password'] : ['password']);

/** The Secret, in the operator's namespace, that the pool is let in with. */
export const secretOf = ({ spec }: StoragePool): string | undefined => (spec.iscsi ?? spec.rbd ?? spec.smb)?.credentialsSecretName;

/** By uid: what was for one pool is never sent to the store of another, made anew under its name. */
const entryOf = ({ metadata }: StoragePool, key: string): string => `pool.${metadata.uid}.${key}`;

/** As entries of the copy that a host's agent may read. */
export const entriesOf = (pool: StoragePool, data: Credentials): readonly (readonly [string, Uint8Array])[] =>
  keysOf(pool).flatMap((key) => {
    const value = data.get(key);
    return value === undefined ? [] : [[entryOf(pool, key), value] as const];
  });

/** Out of the copy; or which key is missing. */
export function credentialsIn(copy: Credentials, pool: StoragePool): Credentials | string {
  const keys = keysOf(pool);
  const missing = keys.find((key) => !copy.has(entryOf(pool, key)));
  if (missing !== undefined) return missing;
  return new Credentials(keys.map((key) => [key, copy.get(entryOf(pool, key)) ?? new Uint8Array()]));
}
