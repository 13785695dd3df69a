import { throwIfAborted, unlessAborted, within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Transport } from '../transport/transport.js';
import type { KeepaliveOptions } from './keepalive.js';
import { authList, connectOpen, connectSupportsFeature } from './procedures.js';
import type { Room } from './room.js';
import { authenticate } from './sasl.js';
import type { Login } from './scram.js';
import { Session } from './session.js';

const readOnlyFlag = 1;
const noAuthentication = 0;
const bySasl = 1;
/** Asking whether the daemon knows keepalive is what makes it ask us, too. */
const keepaliveFeature = 10;
const openTimeoutMs = 20_000;

export interface SessionOptions {
  readonly transport: Transport;
  /** Which of the daemon's drivers to open, e.g. `qemu:///system`. */
  readonly name: string;
  readonly readOnly: boolean;
  /** For a daemon that asks for a password. */
  readonly login?: Login;
  /** Not for sockets with calls or streams: a daemon that is busy with them stops reading there, pings included, without being dead. */
  readonly keepalive?: KeepaliveOptions;
  /** Of all sockets to the host. */
  readonly room?: Room;
}

/** A new socket, with the daemon ready to take calls on it. */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  throwIfAborted(signal);
  const session = new Session(await unlessAborted(options.transport.connect(signal), signal), options.transport.peer, options.room);
  try {
    await within(openTimeoutMs, `${options.transport.peer}: opening ${options.name}`, greet(session, options), signal);
    return session;
  } catch (error) {
    session.fail('opening failed', error);
    throw DriverError.from(error);
  }
}

async function greet(session: Session, { transport, name, readOnly, keepalive, login }: SessionOptions): Promise<void> {
  const accepted = await session.call(authList, undefined);
  if (accepted.includes(bySasl) && !accepted.includes(noAuthentication)) await authenticate(session, transport.peer, login);
  else checkAuthentication(transport.peer, accepted);
  if (keepalive !== undefined && (await session.call(connectSupportsFeature, { feature: keepaliveFeature })))
    session.startKeepalive(keepalive);
  await session.call(connectOpen, { name, flags: readOnly ? readOnlyFlag : 0 });
}

function checkAuthentication(peer: string, accepted: readonly number[]): void {
  if (accepted.length === 0 || accepted.includes(noAuthentication)) return;
  const names = accepted.map((type) => ({ 2: 'polkit' })[type] ?? `type ${type}`);
  const remedy = 'run as root, or set auth_unix_rw = "none" in libvirtd.conf';
  throw new DriverError(
    'Denied',
    `${peer}: the daemon wants authentication by ${names.join(' or ')}, which is not supported here: ${remedy}`,
  );
}
