import type { PoolDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { userOf } from '#drivers/pool-source.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { Daemon } from './daemon.js';
import { unlessGone, unlessUnknown } from './gone.js';
import { secretDefineXml, secretLookupByUuid, secretSetValue, secretUndefine } from './rpc/procedures.js';
import { createSecret } from './xml/pool.js';
import { readCephKey } from './xml/rbd.js';

/** Hands the host what a pool is let in with; nothing for a pool that is let in without. */
export async function keepSecret(daemon: Daemon, definition: PoolDefinition, signal: AbortSignal): Promise<void> {
  const { credentials } = definition;
  if (credentials === undefined) return;
  const [username, password] = [userOf(definition.source, credentials), credentials.text('password')];
  if (username === undefined || password === undefined)
    throw new DriverError('CredentialsMissing', 'credentials: "username" and "password" are needed');
  const value = definition.source.kind === 'rbd' ? readCephKey(password) : Buffer.from(password);
  const secret = await daemon.ask(secretDefineXml, { xml: serializeXml(createSecret(definition)), flags: 0 }, signal);
  await daemon.ask(secretSetValue, { secret, value, flags: 0 }, signal);
}

/** A host that knows no secrets has none; gone already is success. */
export async function forgetSecret(daemon: Daemon, uuid: string, signal: AbortSignal): Promise<void> {
  const forget = async () => {
    const secret = await daemon.ask(secretLookupByUuid, { uuid }, signal);
    await daemon.ask(secretUndefine, { secret }, signal);
  };
  await unlessUnknown(unlessGone(forget()));
}
