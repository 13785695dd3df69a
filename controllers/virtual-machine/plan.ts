import type { Capability, Machine, MachineDefinition, OwnerMark } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import { describeUnfit, type Unfit, unfitMachine } from '../fit.js';
import type { GuestKnown } from '../host/guests-view.js';
import { act, leave, type Plan, refuse, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { asked } from './asked.js';
import type { AllowedClass } from './classes.js';
import { type Difference, differences, fieldsOf } from './difference.js';
import { forgetSettled, noteDefined, type Settled, settle } from './drift.js';
import { becauseOf, type DriftWish, isLeft } from './drifted.js';
import { defaultInterface, type Revoked } from './interfaces.js';
import { noteLimits } from './limits.js';
import { planLive } from './live.js';
import { planRequestedAction, type RequestedAction, type RunStrategy } from './plan-action.js';
import { asTaken, lost, nothingToAdopt, planAdoption, planRelease } from './plan-adoption.js';
import { planDrift } from './plan-drift.js';
import { planAbsence, planLeaving, resuming } from './plan-leaving.js';
import { planRun, planStop, type StopPolicy } from './plan-power.js';
import { planSeeding, planUnseeding, seeded, seededFor, type WantedSeed } from './plan-seed.js';
import { planRecreation, planRestart } from './plan-update.js';
import { notePutBack } from './put-back.js';
import { bootNumber, isFailure, learn, type MachineRecord, running } from './record.js';
import { encodeRecord } from './record-text.js';
import { forgetDone } from './restarts.js';

export interface DesiredMachine extends WantedSeed {
  /** `away`: on another host, once nothing of it is on this. */
  readonly want: 'present' | 'absent' | 'away';
  readonly host: string;
  readonly owner: OwnerMark;
  readonly definition: MachineDefinition;
  /** Volumes that it needs and cannot have, each with what is wrong: until they are there the definition is not the whole one. */
  readonly missing?: readonly string[];
  /** The same of networks. */
  readonly missingNetworks?: readonly string[];
  /** The manifest names no interface. */
  readonly networkByDefault?: true;
  /** Networks that it may not be attached to any more; attached it stays. */
  readonly revoked?: readonly Revoked[];
  /** What it names of the host, and may not have: then it is neither changed nor started, and what runs goes on. */
  readonly ungranted?: readonly string[];
  /** Why it may not have the CPU shares that it asks for; as many as it has already it keeps. */
  readonly ungrantedShares?: string;
  /** Why the password of its graphics is not there yet. */
  readonly missingPassword?: string;
  /** Interfaces whose MAC address another machine had first. */
  readonly duplicates?: readonly string[];
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  /** What firmware and TPM wrote down outlives the machine, as its first disk does. */
  readonly keepState: boolean;
  /** What becomes of what others change; absent, it is put back. */
  readonly drift?: DriftWish;
  /** Classes of changes that come about by themselves; absent, as usual. */
  readonly allow?: readonly AllowedClass[];
  /** The oldest VirtualMachineAction that is not finished. */
  readonly action?: RequestedAction;
  /** The former owner's uid, or `All`, when somebody said that this object takes over what an earlier one left. */
  readonly takeOver?: string;
  /** Somebody said that the machine which is there is to be this one. */
  readonly adopt?: Adopting;
  /** What it was adopted with that no manifest can say, unless `forgets`. */
  readonly adoptedWith?: string;
  /** Adopted, it may be made anew without what no manifest can say: somebody said so. */
  readonly forgets?: true;
  /** Its screen has the password that it was adopted with: one that is made anew would have none. */
  readonly keepsPassword?: true;
  /** Once the object is deleted, the machine is nobody's, and stays. */
  readonly release?: true;
  /** Of a machine that is released, disks whose volumes would be deleted. */
  readonly doomed?: readonly string[];
  readonly capabilities: readonly Capability[];
}

export interface ObservedMachine {
  /** Ours. */
  readonly machine?: Machine;
  /** Has our uuid, our native name or our object's name, and is not ours. */
  readonly stranger?: Machine;
  /** What was last known of its guest. */
  readonly guest?: GuestKnown;
  /** The seed was seen to be there since it was last taken up; or all of this machine's are known to be gone. */
  readonly seedKept?: boolean;
  /** As `Subject.heard`; absent when there is no machine. */
  readonly heard?: ReadonlySet<string>;
  readonly record: MachineRecord;
}

/** The steps from the machine we see to the machine that was asked for, first things first. */
export function planMachine(desired: DesiredMachine, observed: ObservedMachine, now: number): Plan<MachineAction> {
  const { machine, stranger, record, heard = new Set() } = observed;
  if (machine === undefined && desired.want === 'away') return lost(desired) ?? planAbsence(desired, observed);
  if (machine === undefined && desired.want === 'absent') return desired.release ? [] : planUnseeding(desired, observed.seedKept);
  if (machine === undefined && stranger !== undefined) return planStranger(desired, stranger);
  if (machine === undefined)
    return desired.adopt === undefined ? planCreation(desired, observed) : [nothingToAdopt(desired, desired.adopt)];
  const startsPaused = desired.capabilities.some(({ field }) => field === 'power.startPaused');
  const learnt = forgetSettled(forgetDone(learn(record, machine.power, now), machine, desired.capabilities), machine, now);
  const subject: Subject = { machine, owner: desired.owner, now, record: learnt, startsPaused, heard };
  const leaving = desired.want === 'away' ? resuming(subject, desired.runStrategy) : undefined;
  if (leaving !== undefined) return withNote(planLeaving(desired, leaving), leaving, record);
  if (desired.want === 'absent') return withNote(planRemoval(desired, subject), subject, record);
  const asked = seededFor(attachedFor(desired, machine), machine);
  const settled = settledFor(asked, subject);
  const knowing = { ...subject, record: settled.record };
  return withNote([...planPresence(asked, knowing, settled, observed), ...planDrift(settled, knowing)], knowing, record);
}

/** What others have changed. What it refers to and cannot have is not what was last asked, and so nobody's; nothing is noted of what is not the whole of it. */
function settledFor(asked: DesiredMachine, { machine, record, now }: Pick<Subject, 'machine' | 'record' | 'now'>): Settled {
  const wanted = wantedOf(asked, machine);
  const settled = settle(wanted, { machine, record, now }, asked.drift);
  return planWaits(asked, machine).length > 0 ? { ...settled, record } : settled;
}

/** The same, of what is to be told. */
export function settledNow(desired: DesiredMachine, { machine, record }: ObservedMachine, now: number): Settled | undefined {
  if (machine === undefined || desired.want !== 'present') return undefined;
  return settledFor(seededFor(attachedFor(desired, machine), machine), { machine, record, now });
}

/** The host's default is for new machines: one that is there keeps what it got, also when the default is another by now, or none. */
function attachedFor(desired: DesiredMachine, { configured, live }: Machine): DesiredMachine {
  if (desired.networkByDefault !== true) return desired;
  const { missingNetworks: _, definition, ...rest } = desired;
  const its = (configured ?? live)?.interfaces.filter(({ name }) => name === defaultInterface) ?? [];
  return { ...rest, definition: { ...definition, interfaces: its.map(({ name, network }) => ({ name, network })) } };
}

function planPresence(desired: DesiredMachine, subject: Subject, settled: Settled, observed: ObservedMachine): Plan<MachineAction> {
  const requested = desired.action === undefined ? undefined : planRequestedAction(desired.action, desired, subject);
  const power = requested ?? planStrategy(desired, subject);
  const waits = planWaits(desired, subject.machine);
  if (waits.length > 0) return [...power.filter((decision) => !isStart(decision)), ...waits];
  // Only what is about to start needs its definition first: one that the host refuses must not keep a machine from being stopped.
  const definition = planDefinition(desired, subject, settled);
  const seeding =
    definition.some(({ kind }) => kind === 'act') || power.some(isStart) ? planSeeding(desired, observed.machine, observed.seedKept) : [];
  const definesFirst = subject.machine.configured === undefined || power.some(isStart);
  const steps = definesFirst ? [...seeding, ...definition, ...power] : [...power, ...seeding, ...definition];
  if (steps.length > 0) return steps;
  const seen = { ...subject, machine: settled.machine };
  const live = planLive(desired.capabilities, seen, desired.allow, settled.drift);
  const isUnderway = live.some(({ kind }) => kind === 'act' || kind === 'wait');
  return isUnderway ? live : [...live, ...planRestart(desired, seen, settled.drift)];
}

const isStart = (decision: Plan<MachineAction>[number]): boolean => decision.kind === 'act' && decision.action.kind === 'start';

/** What it refers to and cannot have. A machine that runs goes on; it is neither changed nor started until all is there. */
function planWaits(desired: DesiredMachine, machine?: Machine): Plan<never> {
  const { missing = [], missingNetworks = [], missingSeed = [], revoked = [], duplicates = [], ungranted = [] } = desired;
  const { missingPassword, ungrantedShares } = desired;
  // One that has a password keeps it.
  const asksNobody = (machine?.configured ?? machine?.live)?.graphics?.password === undefined;
  const attached = (machine?.configured ?? machine?.live)?.interfaces ?? [];
  const moreShares = (desired.definition.cpuShares ?? 0) > ((machine?.configured ?? machine?.live)?.cpuShares ?? 0);
  const isAttached = ({ name, network, vlan }: Revoked) =>
    attached.some((one) => one.name === name && one.network === network && one.vlan === vlan);
  const refused = revoked.filter((one) => !isAttached(one));
  const networks = [...missingNetworks, ...refused.map(({ because }) => because)];
  return [
    ...(missing.length === 0 ? [] : [wait('WaitingForVolumes', `waiting for ${missing.join(', ')}`, 60_000)]),
    ...(networks.length === 0 ? [] : [wait('WaitingForNetworks', `waiting for ${networks.join(', ')}`, 60_000)]),
    ...(missingSeed.length === 0 ? [] : [wait('WaitingForSeed', `waiting for ${missingSeed.join(', ')}`, 60_000)]),
    ...(missingPassword !== undefined && asksNobody ? [wait('WaitingForPassword', `waiting for ${missingPassword}`, 60_000)] : []),
    ...duplicates.map((because) => refuse('DuplicateMacAddress', because)),
    ...ungranted.map((because) => refuse('NotGranted', because)),
    ...(ungrantedShares !== undefined && moreShares ? [refuse('NotGranted', ungrantedShares)] : []),
  ];
}

function planCreation(desired: DesiredMachine, observed: ObservedMachine): Plan<MachineAction> {
  const gone = lost(desired);
  if (gone !== undefined) return gone;
  if (desired.keepsPassword) return [wait('WaitingForPassword', 'the machine that was adopted is gone, and its password with it', 1_000)];
  const waits = planWaits(desired);
  if (waits.length > 0) return waits;
  const misfits = planFit(desired);
  if (misfits.length > 0) return misfits;
  const definition = seeded(desired.definition, desired);
  const record = noteDefined(noteLimits(observed.record, definition), definition, definition);
  const mark = { ...marked(desired, record), until: encodeRecord(observed.record) };
  const define = act({ kind: 'define', definition, mark }, 'no such machine');
  return [...planSeeding(desired, undefined, observed.seedKept), define];
}

const savedLookMs = 60_000;

/** A native definition is edited only where it differs; what the running machine has is not touched. */
function planDefinition(desired: DesiredMachine, subject: Subject, { definition, drift }: Settled): Plan<MachineAction> {
  const { machine, record, now } = subject;
  const wanted = wantedOf(desired, machine);
  const found = machine.configured === undefined ? [] : differences(machine.configured, definition);
  const changed = machine.configured === undefined ? ['everything: it was undefined'] : fieldsOf(found);
  if (changed.length === 0) return [];
  // It goes on with what it had: a definition without a disk would give that to others, and what was saved would go on writing to it.
  if (machine.power.reason === 'Saved')
    return [leave('Saved', `${changed.join(', ')} waits until it was started, or what was saved of it is dropped`, savedLookMs)];
  const misfits = planFit(desired);
  if (misfits.length > 0) return misfits;
  const others = drift.filter((one) => one.where === 'Definition' && !isLeft(one));
  const anew = planRecreation(desired, subject, found, others);
  // What it keeps without a grant by now, a new one would not get: it would be gone.
  const waits = anew.some(({ kind }) => kind === 'refuse') || anew.length === 0 ? [] : planWaits(desired);
  if (waits.length > 0) return waits;
  if (anew.length > 0) return anew;
  const next = notePutBack(noteDefined(noteLimits(record, wanted), wanted, definition, machine), others, now);
  return [
    act(
      { kind: 'define', id: machine.id, definition, mark: marked(desired, next) },
      `the definition differs in ${changed.join(', ')}${becauseOf(others)}`,
    ),
  ];
}

/** By the uuid and the native name that it has. */
const wantedOf = (desired: DesiredMachine, { uuid, nativeName }: Machine): MachineDefinition =>
  seeded({ ...desired.definition, uuid, nativeName }, desired);

/** In what the definition on the host is not what is asked for, as `planMachine` sees it. */
export function undefinedYet(desired: DesiredMachine, observed: ObservedMachine, now: number): readonly Difference[] {
  const configured = observed.machine?.configured;
  const settled = settledNow(desired, observed, now);
  return configured === undefined || settled === undefined ? [] : differences(configured, settled.definition);
}

/** What the host does not accept. */
export const misfitsOf = (desired: DesiredMachine): readonly Unfit[] =>
  unfitMachine(asked(seeded(desired.definition, desired)), desired.capabilities);

function planFit(desired: DesiredMachine): Plan<MachineAction> {
  const { host, refusedSeed } = desired;
  return [
    ...misfitsOf(desired).map((misfit) => refuse('Unfit', describeUnfit(misfit, host))),
    ...(refusedSeed === undefined ? [] : [refuse('Unfit', refusedSeed)]),
  ];
}

function planStrategy({ runStrategy, stop }: DesiredMachine, subject: Subject): Plan<MachineAction> {
  const { machine, record } = subject;
  const off = machine.power.state === 'Off';
  if (record.resumes === true && runStrategy !== 'Halted') return planRun(subject, { exactly: runStrategy !== 'Always' });
  switch (runStrategy) {
    case 'Always':
      return planRun(subject);
    case 'RerunOnFailure':
      return off && isFinished(record) ? [] : planRun(subject, { exactly: true });
    case 'Once':
      return off && bootNumber(record) > 0 ? [] : planRun(subject, { exactly: true });
    case 'Halted':
      return off ? noteHalted(subject) : planStop(stop, subject);
    case 'Manual':
      return [];
  }
}

const isFinished = ({ lastStop, halted }: MachineRecord): boolean =>
  lastStop !== undefined && !isFailure(lastStop.cause) && halted !== true;

function noteHalted(subject: Subject): Plan<MachineAction> {
  const { machine } = subject;
  const { resumes, ...record } = subject.record;
  if (resumes !== true && (record.lastStop === undefined || record.halted === true)) return [];
  return [act({ kind: 'note', id: machine.id, mark: marked(subject, { ...record, halted: true }) }, 'the run strategy is Halted')];
}

function planRemoval(desired: DesiredMachine, subject: Subject): Plan<MachineAction> {
  if (desired.release === true) return planRelease(desired, subject.machine);
  const { stop, owner, keepState } = desired;
  const { id, power } = subject.machine;
  return power.state === 'Off' ? [act({ kind: 'undefine', id, owner, keepState }, 'the resource was deleted')] : planStop(stop, subject);
}

/** An object restored from a backup, or re-applied after its cluster was lost, is never run a second time; nobody else's machine is touched. */
function planStranger(desired: DesiredMachine, stranger: Machine): Plan<MachineAction> {
  const { owner, takeOver, want, host } = desired;
  const { id, nativeName, mark } = stranger;
  if (want === 'absent') return [];
  const theirs = mark?.owner;
  if (theirs === undefined && desired.adopt !== undefined) return planTaking(desired, stranger);
  if (theirs === undefined) {
    return [
      refuse(
        'NotOurs',
        `${host} has a machine ${nativeName} that Virtwright did not make; rename or remove it there, choose another name, or adopt it (virtwright import)`,
      ),
    ];
  }
  if (theirs.cluster !== owner.cluster || theirs.namespace !== owner.namespace || theirs.name !== owner.name) {
    return [
      refuse(
        'NotOurs',
        `${host} has a machine ${nativeName} that belongs to VirtualMachine ${theirs.namespace}/${theirs.name} of cluster "${theirs.cluster}"; choose another name`,
      ),
    ];
  }
  if (takeOver === theirs.uid || takeOver === 'All') {
    return [
      act(
        { kind: 'takeOver', id, from: theirs, mark: { owner, record: mark?.record ?? '' } },
        `taken over from ${theirs.uid}, as annotated`,
      ),
    ];
  }
  return [
    refuse(
      'RestoredOrCopied',
      `${host} has machine ${nativeName} of an earlier VirtualMachine of this name (uid ${theirs.uid}); to take it over as it is, annotate virtwright.io/take-over=${theirs.uid}`,
    ),
  ];
}

/** What the host would give to a new one by itself is not asked of what is there. */
function planTaking(desired: DesiredMachine, stranger: Machine): Plan<MachineAction> {
  const taken = asTaken(stranger);
  const asked = seededFor(attachedFor(desired, taken), taken);
  const waits = planWaits(asked, taken);
  return waits.length > 0 ? waits : planAdoption(asked, stranger);
}

/** What was just learnt is written down even when nothing else is to be done; acts that write the record carry it along. */
function withNote(plan: Plan<MachineAction>, subject: Subject, written: MachineRecord): Plan<MachineAction> {
  const { machine } = subject;
  const asItShouldRun = machine.power.state === 'On' && plan.every(({ kind }) => kind === 'refuse' || kind === 'leave');
  const record = asItShouldRun ? running(subject.record) : subject.record;
  if (encodeRecord(record) === encodeRecord(written) || carriesRecord(plan)) return plan;
  return [act({ kind: 'note', id: machine.id, mark: marked(subject, record) }, 'what was seen is kept'), ...plan];
}

function carriesRecord(plan: Plan<MachineAction>): boolean {
  const first = plan.find((decision) => decision.kind === 'act')?.action;
  return first !== undefined && (first.kind === 'undefine' || first.kind === 'release' || ('mark' in first && first.mark !== undefined));
}
