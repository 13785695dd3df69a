import type { MachineId, Mark, OwnerMark, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { hasCode } from './gone.js';
import { powerOf } from './power-state.js';
import { affectFlags, domainXmlFlags, listDomainsFlags } from './rpc/flags.js';
import { connectListAllDomains, domainGetState, domainGetXmlDesc } from './rpc/procedures.js';
import type { DomainHandle } from './rpc/types.js';
import { wasStartedPaused } from './start-note.js';
import { ownerText, readMark, sameOwner } from './xml/metadata.js';
import { readIdentity } from './xml/read.js';

/** A machine's id is its uuid, by which the daemon looks it up; the name is for its error messages. */
export function handleOf(id: MachineId): DomainHandle {
  return { name: id, uuid: id, id: -1 };
}

export function idOf(handle: { readonly uuid: string }): MachineId {
  return handle.uuid as MachineId;
}

/** `inactive`: what it has at its next start. `current`: what it has now, running or not. Both with their secrets, to be written back. */
export async function readDomain(daemon: Daemon, id: MachineId, which: 'inactive' | 'current', signal: AbortSignal): Promise<XmlElement> {
  const flags = domainXmlFlags.secure | (which === 'inactive' ? domainXmlFlags.inactive : 0);
  return parseXml(await daemon.ask(domainGetXmlDesc, { domain: handleOf(id), flags }, signal, id), `XML of machine ${id}`);
}

export async function readPower(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<PowerState> {
  const { state, reason } = await daemon.ask(domainGetState, { domain: handleOf(id), flags: 0 }, signal, id);
  return refinePower(daemon, id, powerOf(state, reason), signal);
}

/** libvirt gives a machine that was started paused, and one that its user paused, the same reason. */
export async function refinePower(daemon: Daemon, id: MachineId, power: PowerState, signal: AbortSignal): Promise<PowerState> {
  if (power.state !== 'Paused' || power.reason !== 'User') return power;
  return (await wasStartedPaused(daemon, handleOf(id), affectFlags.live, signal)) ? { state: 'Paused', reason: 'StartingUp' } : power;
}

/** The machines that the host forgets when they stop: it has no definition of them. */
export async function transientIds(daemon: Daemon, signal: AbortSignal): Promise<ReadonlySet<MachineId>> {
  const handles = await daemon.ask(connectListAllDomains, { elementsWanted: undefined, flags: listDomainsFlags.transient }, signal);
  return new Set(handles.map(idOf));
}

/** The flags for a change of what the machine is now and of what it is after its next start, as far as there is either. */
export async function affectedFlags(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<number> {
  const [power, transient] = await Promise.all([readPower(daemon, id, signal), transientIds(daemon, signal)]);
  const live = power.state === 'Off' ? 0 : affectFlags.live;
  return live | (transient.has(id) ? 0 : affectFlags.config);
}

/** Looks at the machine as it is now. NotOurs unless it carries that owner's mark. */
export async function checkOwner(daemon: Daemon, id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
  const domain = await readDomain(daemon, id, 'current', signal);
  assertOwner(readIdentity(domain).nativeName, readMark(domain), owner);
}

export function assertOwner(nativeName: string, mark: Mark | undefined, owner: OwnerMark): void {
  if (mark !== undefined && sameOwner(mark.owner, owner)) return;
  const whose = mark === undefined ? 'carries no mark of ours' : `belongs to ${ownerText(mark.owner)}`;
  throw new DriverError('NotOurs', `machine "${nativeName}" on the host ${whose}, not to ${ownerText(owner)}; it is left alone`);
}

/** Does what `act` does. When the host says that it is not the time for it, but the machine is already as wanted, that is success. */
export async function unlessAlready(
  daemon: Daemon,
  id: MachineId,
  wanted: (power: PowerState) => boolean,
  act: Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await act;
  } catch (reason) {
    if (!hasCode(reason, 'Conflict') || !wanted(await readPower(daemon, id, signal))) throw reason;
  }
}
