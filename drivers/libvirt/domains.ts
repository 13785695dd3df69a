import type { Glance, MachineId, OwnerMark, PowerState } from '#drivers/driver.js';
import { assertOwner } from '#drivers/owner.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { hasCode, present, unlessGone, unlessUnknown } from './gone.js';
import { powerOf } from './power-state.js';
import { domainXmlFlags, listDomainsFlags, statsFlags, statsGroups } from './rpc/flags.js';
import {
  connectGetAllDomainStats,
  connectListAllDomains,
  domainGetJobInfo,
  domainGetState,
  domainGetXmlDesc,
  domainHasManagedSaveImage,
  domainLookupByUuid,
} from './rpc/procedures.js';
import { type DomainHandle, paramsByField, type StatsRecord } from './rpc/types.js';
import { readMark } from './xml/metadata.js';
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
  return daemon.names.read(
    parseXml(await daemon.ask(domainGetXmlDesc, { domain: handleOf(id), flags }, signal, id), `XML of machine ${id}`),
  );
}

/** Whether XML that was read as `current` is that of a machine that is not off: only then does it carry libvirt's running number. */
export function isActive(current: XmlElement): boolean {
  return attribute(current, 'id') !== undefined;
}

export async function readPower(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<PowerState> {
  const { state, reason } = await daemon.ask(domainGetState, { domain: handleOf(id), flags: 0 }, signal, id);
  return powerOf(state, reason);
}

/** The states of these machines, or of all, in one call where the daemon has one; those that are gone are left out. */
export async function glances(daemon: Daemon, ids: readonly MachineId[] | 'all', signal: AbortSignal): Promise<readonly Glance[]> {
  const last = singly.get(daemon);
  if (last !== undefined) return glancesOneByOne(daemon, last, ids, signal);
  const domains = ids === 'all' ? [] : ids.map(handleOf);
  const what = { domains, stats: statsGroups.state, flags: statsFlags.noWait };
  const records = await unlessUnknown(daemon.ask(connectGetAllDomainStats, what, signal));
  if (records !== undefined) return withSaved(daemon, records.map(glanceOf), signal);
  const none = new Map<MachineId, Glance>();
  singly.set(daemon, none);
  return glancesOneByOne(daemon, none, ids, signal);
}

/** Of those whose driver has no call for many machines, which is asked once: what each machine was last seen as. */
const singly = new WeakMap<Daemon, Map<MachineId, Glance>>();

/** One machine that keeps the daemon waiting is what it last was: the others are told all the same. */
async function glancesOneByOne(
  daemon: Daemon,
  last: Map<MachineId, Glance>,
  ids: readonly MachineId[] | 'all',
  signal: AbortSignal,
): Promise<readonly Glance[]> {
  const orLast = (id: MachineId, looking: Promise<Glance>, instead = last.get(id)): Promise<Glance> =>
    looking.catch((reason) => {
      if (instead === undefined || signal.aborted || !keepsWaiting(reason)) throw reason;
      return instead;
    });
  const found = await (ids === 'all'
    ? handlesOf(daemon, signal).then((handles) =>
        handles.map((handle) => orLast(idOf(handle), glanceAt(daemon, handle, signal), last.get(idOf(handle)) ?? guessOf(handle))),
      )
    : ids.map((id) => orLast(id, glanceById(daemon, id, signal))));
  const glances = present(await Promise.all(found.map(unlessGone)));
  if (ids === 'all') last.clear();
  for (const glance of glances) last.set(glance.id, glance);
  return glances;
}

const keepsWaiting = (reason: unknown): boolean => hasCode(reason, 'TimedOut') || hasCode(reason, 'Busy');

const handlesOf = (daemon: Daemon, signal: AbortSignal): Promise<readonly DomainHandle[]> =>
  daemon.ask(connectListAllDomains, { elementsWanted: undefined, flags: 0 }, signal);

/** Nothing but its number is known: what runs has one. */
const guessOf = (handle: DomainHandle): Glance => glanceAs(handle, { state: handle.id < 0 ? 'Off' : 'On', reason: 'Unknown' });

const glanceAs = (handle: DomainHandle, power: PowerState): Glance => ({
  ...{ id: idOf(handle), uuid: handle.uuid, nativeName: handle.name },
  power,
});

async function glanceAt(daemon: Daemon, handle: DomainHandle, signal: AbortSignal): Promise<Glance> {
  return glanceAs(handle, await readSettledPower(daemon, idOf(handle), signal));
}

/** By itself: one that keeps the daemon busy keeps it from telling the list of all, too. */
async function glanceById(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<Glance> {
  return glanceAt(daemon, await daemon.ask(domainLookupByUuid, { uuid: id }, signal, id), signal);
}

/**
 * As `readPower`, but for a machine that is still taken apart, which Xen's driver tells as off from the first moment on: until it has lost its
 * number it cannot be started. One whose guest restarts is made anew by the daemon, and has none meanwhile; but then it is at work on it.
 */
async function readSettledPower(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<PowerState> {
  const power = await readPower(daemon, id, signal);
  if (power.state !== 'Off') return power;
  const { id: number } = await daemon.ask(domainLookupByUuid, { uuid: id }, signal, id);
  if (number >= 0) return { state: 'Stopping', reason: 'Unknown' };
  if (power.reason === 'Guest') {
    if (await isAtWork(daemon, id, signal)) return { state: 'Stopping', reason: 'Guest' };
    // The work may have come to its end between the questions, and the machine be on again.
    return readPower(daemon, id, signal);
  }
  if (!maySave(power)) return power;
  const isSaved = await unlessUnknown(daemon.ask(domainHasManagedSaveImage, { domain: handleOf(id), flags: 0 }, signal, id));
  return savedOrNot(power, isSaved === 1);
}

async function isAtWork(daemon: Daemon, id: MachineId, signal: AbortSignal): Promise<boolean> {
  const job = await unlessUnknown(daemon.ask(domainGetJobInfo, { domain: handleOf(id) }, signal, id));
  return job !== undefined && job.type !== 0;
}

/** A daemon forgets with its end why a machine is off, and does not take back what it said when a saved state is dropped; what it has saved it knows. */
async function withSaved(daemon: Daemon, glances: readonly Glance[], signal: AbortSignal): Promise<readonly Glance[]> {
  if (!glances.some(({ power }) => maySave(power))) return glances;
  const what = { elementsWanted: undefined, flags: listDomainsFlags.managedSave };
  const saved = new Set((await daemon.ask(connectListAllDomains, what, signal)).map(idOf));
  return glances.map((glance) => ({ ...glance, power: savedOrNot(glance.power, saved.has(glance.id)) }));
}

const maySave = ({ state, reason }: PowerState): boolean => state === 'Off' && (reason === 'Saved' || reason === 'Unknown');

function savedOrNot(power: PowerState, isSaved: boolean): PowerState {
  if (!maySave(power) || isSaved === (power.reason === 'Saved')) return power;
  return { state: 'Off', reason: isSaved ? 'Saved' : 'Cut' };
}

function glanceOf({ domain, params }: StatsRecord): Glance {
  const fields = paramsByField(params);
  const power = powerOf(Number(fields.get('state.state') ?? 0), Number(fields.get('state.reason') ?? 0));
  return { id: idOf(domain), uuid: domain.uuid, nativeName: domain.name, power };
}

/** The machines that the host forgets when they stop: it has no definition of them. */
export async function transientIds(daemon: Daemon, signal: AbortSignal): Promise<ReadonlySet<MachineId>> {
  const handles = await daemon.ask(connectListAllDomains, { elementsWanted: undefined, flags: listDomainsFlags.transient }, signal);
  return new Set(handles.map(idOf));
}

/** Looks at the machine as it is now, and gives the number of its run, if it runs. NotOurs unless it carries that owner's mark. */
export async function checkOwner(
  daemon: Daemon,
  id: MachineId,
  owner: OwnerMark,
  signal: AbortSignal,
): Promise<{ readonly run: string | undefined }> {
  const domain = await readDomain(daemon, id, 'current', signal);
  assertOwner(readIdentity(domain).nativeName, readMark(domain), owner);
  return { run: attribute(domain, 'id') };
}
