import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Machine, PowerState } from '#drivers/driver.js';
import { conditions, type Finding, isFalse, isTrue, isUnknown, readiness, type Standing } from '../conditions.js';
import { graphicsSecretOf } from '../guest-secrets.js';
import type { Findings } from '../reconcile.js';
import { standing } from '../standing.js';
import { volumeOfDisk } from '../stores.js';
import type { MachineAction } from './action.js';
import { type AllowedClass, usuallyAllowed } from './classes.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import { type Drifted, describeDrift, isUnwanted } from './drifted.js';
import { conditionsOf, type ToldGuest, tellGuest } from './guest.js';
import { isAllowed, needsRestart, type PendingChange, pendingChanges, whyWaiting } from './live.js';
import { keptNow, settledNow } from './plan.js';
import type { MachineRecord } from './record.js';
import { unwritten } from './report-changes.js';
import { drifted, driftTold } from './report-drift.js';
import { evacuating, evacuationTold } from './report-evacuation.js';
import { dropUndefined, runStatus } from './report-run.js';
import { wasRestartedFor } from './restarts.js';

type MachineFindings = Findings<DesiredMachine, ObservedMachine, MachineAction>;

/** Status as a whole, every time: what is left out is taken away. */
export function reportMachine(resource: VirtualMachine, findings: MachineFindings): VirtualMachineStatus {
  const { metadata, spec, status: before } = resource;
  const { observed, desired, now } = findings;
  const machine = observed?.machine;
  const stands = standing(findings, { ready: ready(resource, findings), acting: (kind) => doing[kind as MachineAction['kind']] });
  const settled = desired === undefined || observed === undefined ? undefined : settledNow(desired, observed, now);
  const pending = machine === undefined ? [] : pendingChanges(settled?.machine ?? machine, desired?.capabilities ?? []);
  const drift = settled?.drift ?? [];
  const seen = machine === undefined || findings.failure !== undefined ? undefined : machine;
  // As it is written down: what was learnt but could not be noted has the time of each look, and would be news each time.
  const record = observed?.record;
  const told = observed === undefined ? undefined : tellGuest(resource, observed);
  return dropUndefined({
    observedGeneration: metadata.generation,
    printableStatus: printable(resource, findings, stands),
    hypervisor: before?.hypervisor,
    uuid: machine?.uuid ?? before?.uuid ?? desired?.definition.uuid,
    nativeName: machine?.nativeName ?? before?.nativeName ?? desired?.definition.nativeName,
    power: power(seen?.power, findings),
    hardware: machine?.hardware ?? before?.hardware,
    graphics: machine === undefined ? before?.graphics : graphicsTold(resource, machine),
    seedPool: before?.seedPool ?? (desired?.seed?.kind === 'stored' ? desired.seed.instance : undefined),
    run: record === undefined ? before?.run : runStatus(record),
    adopted: record === undefined || isLost(findings) ? before?.adopted : record.adopted && true,
    adoptedWith: machine === undefined ? before?.adoptedWith : record?.adopted?.kept,
    movedFrom: before?.movedFrom,
    volumes: volumesTold(resource),
    interfaces: machine === undefined ? before?.interfaces : interfaces(machine, told?.addresses),
    macAddressClaims: before?.macAddressClaims,
    evacuation: evacuationTold(before?.evacuation, findings),
    guest: told === undefined ? before?.guest : told.guest,
    pendingChanges: observed === undefined ? before?.pendingChanges : changesTold(findings, pending),
    drift: settled === undefined ? before?.drift : driftTold(before?.drift, settled, remembering(findings), now),
    conditions: conditions(before?.conditions, metadata.generation, now, {
      ...readiness(stands),
      PowerSynced: powerSynced(findings),
      ComputeSynced: computeSynced(
        findings,
        pending.filter((change) => !isNetwork(change)),
        drift.filter((one) => !isNetwork(one)),
      ),
      ...(spec.interfaces === undefined && (machine?.configured?.interfaces ?? []).length === 0 && !pending.some(isNetwork)
        ? {}
        : { NetworkSynced: networkSynced(findings, pending.filter(isNetwork), drift.filter(isNetwork)) }),
      RestartRequired: restartRequired(resource, findings, pending),
      ...drifted(before?.conditions, settled, remembering(findings)),
      ...evacuating(before?.evacuation),
      ...(told?.conditions ?? conditionsOf(before, ({ status, reason, message = '' }) => ({ status, reason, message }))),
    }),
  });
}

/** Put back on its host, it is the one that was adopted: what is known of that is not forgotten. */
const isLost = ({ observed, desired }: MachineFindings): boolean => observed?.machine === undefined && desired?.adoptedWith !== undefined;

/** Of a machine that is to be made anew, its mark cannot tell afterwards what was put back with that. */
function remembering({ plan = [], observed }: MachineFindings): MachineRecord | undefined {
  const anew = plan.flatMap((decision) => (decision.kind === 'act' && decision.action.kind === 'recreate' ? [decision.action] : []));
  return anew[0]?.record ?? observed?.record;
}

const graphicsTold = (resource: VirtualMachine, { configured, live }: Machine): VirtualMachineStatus['graphics'] => {
  const has = (configured ?? live)?.graphics;
  if (has === undefined || resource.spec.devices?.graphics === undefined) return undefined;
  const secret = graphicsSecretOf(resource);
  return { type: has.type, ...(secret === undefined ? {} : { passwordSecretRef: secret }) };
};

/** An empty tray has none. */
const volumesTold = (machine: VirtualMachine): VirtualMachineStatus['volumes'] =>
  (machine.spec.disks ?? []).flatMap((disk) => {
    const volume = disk.cdrom === undefined ? volumeOfDisk(machine, disk) : disk.cdrom.volumeRef?.name;
    return volume === undefined ? [] : [{ name: disk.name, volume }];
  });

const isNetwork = ({ field }: { readonly field: string }): boolean => field.startsWith('spec.interfaces[');

/** As the definition has them; a MAC address that the host chose is kept there. */
function interfaces({ configured, live }: Machine, addresses: ToldGuest['addresses'] = new Map()): VirtualMachineStatus['interfaces'] {
  const has = (configured ?? live)?.interfaces ?? [];
  const its = (name: string) => (addresses.get(name)?.length ? addresses.get(name) : undefined);
  return has.length === 0 ? undefined : has.map(({ name, macAddress }) => dropUndefined({ name, macAddress, addresses: its(name) }));
}

/** What waits, and for what: first what the definition does not even say, as the host does not take it. */
function changesTold(
  { desired, observed, now }: MachineFindings,
  pending: readonly PendingChange[],
): VirtualMachineStatus['pendingChanges'] {
  const left = desired === undefined || observed === undefined ? [] : unwritten(desired, observed, now);
  const others = pending.filter(({ field }) => !left.some((one) => one.field === field));
  const told = [...left, ...others.map((change) => pendingChange(change, observed?.record, desired?.allow))];
  return told.length === 0 ? undefined : told.slice(0, mostTold).map((one) => ({ ...one, reason: one.reason.slice(0, longestReason) }));
}

/** As the API has it. */
const mostTold = 64;
const longestReason = 512;

const pendingChange = (change: PendingChange, record: MachineRecord = {}, allow: DesiredMachine['allow'] = usuallyAllowed) => ({
  field: change.field,
  class: change.class !== 'NextBoot' && needsRestart(change, record) ? ('Restart' as const) : change.class,
  reason: whyLeft(change, record, allow),
});

function whyLeft(change: PendingChange, record: MachineRecord, allow: readonly AllowedClass[]): string {
  if (!isAllowed(change, allow))
    return `${change.reason}, and spec.updatePolicy.allow has no ${change.class}; add it there, or restart the machine to apply`;
  const why = whyWaiting(change, record.live?.[change.key]);
  return allow.includes('Restart') && wasRestartedFor(change, record)
    ? `${why}; it was restarted for this once, which is not done again by itself`
    : why;
}

/** What nobody changes while it runs: by what it is, or because it was forbidden. */
const waitsForRestart = (change: PendingChange, record: MachineRecord, allow: DesiredMachine['allow'] = usuallyAllowed): boolean =>
  needsRestart(change, record) || !isAllowed(change, allow);

const fieldsOf = (pending: readonly PendingChange[]): string => pending.map(({ field }) => field).join(', ');

/** A machine that could not be looked at needs its restart all the same. */
function restartRequired({ status }: VirtualMachine, { observed, desired }: MachineFindings, pending: readonly PendingChange[]): Finding {
  if (observed === undefined) return status?.conditions?.find(({ type }) => type === 'RestartRequired') ?? isUnknown('NotSeen');
  const left = pending.filter((change) => waitsForRestart(change, observed.record, desired?.allow));
  return left.length === 0 ? isFalse('UpToDate') : isTrue('PendingChanges', `${fieldsOf(left)}: restart the machine to apply`);
}

/** What each act looks like from outside. */
const doing: Readonly<Record<MachineAction['kind'], string>> = {
  define: 'Provisioning',
  apply: 'Changing',
  takeOver: 'TakingOver',
  adopt: 'Adopting',
  release: 'Releasing',
  note: 'Reconciling',
  start: 'Starting',
  press: 'Stopping',
  cut: 'Stopping',
  pause: 'Pausing',
  resume: 'Resuming',
  reset: 'Resetting',
  save: 'Saving',
  seed: 'Provisioning',
  unseed: 'Terminating',
  leave: 'Evacuating',
  recreate: 'Recreating',
  undefine: 'Terminating',
};

function ready({ metadata }: VirtualMachine, { observed, desired }: MachineFindings): { reason: string; message?: string } {
  if (metadata.deletionTimestamp !== undefined) return { reason: 'Deleted' };
  switch (observed?.machine?.power.state) {
    case 'On':
      return { reason: 'Running' };
    case 'Paused':
      return { reason: 'Paused', message: whyPaused(observed) };
    default:
      if (observed?.machine?.power.reason === 'Saved') return { reason: 'Saved', message: 'its next start goes on from what was saved' };
      return { reason: isOver(desired, observed) ? 'Completed' : 'Stopped' };
  }
}

const whyPaused = ({ machine, record }: ObservedMachine): string =>
  record.paused === true
    ? 'paused by an action; resume it with another'
    : `paused on the host (${machine?.power.reason}); an action resumes it`;

/** It ran, it ended, and its strategy leaves it at that. */
const isOver = (desired: DesiredMachine | undefined, observed: ObservedMachine | undefined): boolean =>
  (desired?.runStrategy === 'Once' || desired?.runStrategy === 'RerunOnFailure') && observed?.record.lastStop?.cause !== undefined;

function printable({ metadata }: VirtualMachine, findings: MachineFindings, stands: Standing): string {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (stands.kind === 'unknown') return 'Unknown';
  const state = findings.observed?.machine?.power.state;
  if (stands.kind !== 'stalled' || state === undefined) return stands.reason;
  return state === 'On' ? 'Running' : state === 'Off' ? 'Stopped' : state;
}

const states = { On: 'Running', Off: 'Stopped', Paused: 'Paused', Stopping: 'Stopping' } as const;

function power(seen: PowerState | undefined, { failure, observed }: MachineFindings): VirtualMachineStatus['power'] {
  if (seen !== undefined) return { state: states[seen.state], reason: seen.reason };
  return failure !== undefined || observed === undefined
    ? { state: 'Unknown', reason: 'Unknown' }
    : { state: 'Stopped', reason: 'Unknown' };
}

const powerActs: ReadonlySet<string> = new Set<MachineAction['kind']>(['start', 'press', 'cut', 'save', 'pause', 'resume']);

function powerSynced({ plan, failure, observed }: MachineFindings): Finding {
  if (failure !== undefined || plan === undefined || observed?.machine === undefined) return isUnknown('NotSeen');
  const open = plan.find((decision) => (decision.kind === 'act' && powerActs.has(decision.action.kind)) || decision.kind === 'wait');
  return open === undefined ? isTrue('AsDeclared') : isFalse(open.kind === 'wait' ? open.reason : 'Changing', open.because);
}

function computeSynced(
  { plan, observed, desired }: MachineFindings,
  pending: readonly PendingChange[],
  drift: readonly Drifted[],
): Finding {
  if (plan === undefined || observed?.machine === undefined) return isUnknown('NotSeen');
  const open = plan.find((decision) => decision.kind === 'act' && decision.action.kind === 'define');
  const refused = plan.find((decision) => decision.kind === 'refuse' && decision.reason === 'Unfit');
  if (open !== undefined || refused !== undefined) return isFalse(refused === undefined ? 'Changing' : 'Unfit', (refused ?? open)?.because);
  const kept = desired && keptNow(desired, observed);
  if (kept !== undefined && kept.isAsAsked !== true) return isFalse(kept.reason, kept.because);
  return pending.length === 0 ? asDeclared(drift) : outOfSync(pending, observed.record, desired?.allow);
}

/** What others have changed and nobody changes back now. */
function asDeclared(drift: readonly Drifted[]): Finding {
  const left = drift.filter(isUnwanted);
  return left.length === 0 ? isTrue('AsDeclared') : isFalse('Drifted', left.map(describeDrift).join('; '));
}

/** In words of its own where the running machine can be, or is being, changed. */
function outOfSync(pending: readonly PendingChange[], record: MachineRecord, allow: DesiredMachine['allow']): Finding {
  const left = pending.filter((change) => waitsForRestart(change, record, allow));
  if (left.length > 0) return isFalse('RestartRequired', fieldsOf(left));
  const reasons = pending.map((change) => `${change.field}: ${whyWaiting(change, record.live?.[change.key])}`);
  return isFalse('Changing', reasons.join('; '));
}

function networkSynced(
  { plan, observed, desired }: MachineFindings,
  pending: readonly PendingChange[],
  drift: readonly Drifted[],
): Finding {
  const waiting = plan?.find((decision) => decision.kind === 'wait' && decision.reason === 'WaitingForNetworks');
  if (waiting !== undefined) return isFalse('WaitingForNetworks', waiting.because);
  if (plan === undefined || observed?.machine === undefined) return isUnknown('NotSeen');
  const duplicate = plan.find((decision) => decision.kind === 'refuse' && decision.reason === 'DuplicateMacAddress');
  if (duplicate !== undefined) return isFalse('DuplicateMacAddress', duplicate.because);
  if (pending.length > 0) return outOfSync(pending, observed.record, desired?.allow);
  const revoked = desired?.revoked ?? [];
  if (revoked.length === 0) return asDeclared(drift);
  return isFalse('NotGranted', `${revoked.map(({ because }) => because).join(', ')}; it stays attached, and could not be attached anew`);
}
