import type { MachineId, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { isActive, readDomain } from './domains.js';
import { readMark } from './xml/metadata.js';
import { readIdentity } from './xml/read.js';

/** What runs, beside what its definition says. */
export interface Running {
  readonly id: MachineId;
  readonly live: XmlElement;
  readonly configured: XmlElement;
}

/** @throws DriverError Conflict where it is off, or another's */
export async function readRunning(daemon: Daemon, id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<Running> {
  const live = await readDomain(daemon, id, 'current', signal);
  const { nativeName } = readIdentity(live);
  assertOwner(nativeName, readMark(live), owner);
  if (!isActive(live)) throw new DriverError('Conflict', `machine "${nativeName}" is Off; nothing runs that could be changed`);
  return { id, live, configured: await readDomain(daemon, id, 'inactive', signal) };
}
