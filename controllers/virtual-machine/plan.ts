import type { Machine, MachineDefinition } from '#drivers/driver.js';
import { describeUnfit, type Unfit, unfitMachine } from '../fit.js';
import { act, leave, type Plan, refuse, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { asked } from './asked.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import { type Difference, differences, fieldsOf } from './difference.js';
import { forgetSettled, noteDefined, type Settled, settle } from './drift.js';
import { becauseOf, isLeft } from './drifted.js';
import type { KeptBecause } from './kept-seed.js';
import { noteLimits } from './limits.js';
import { planLive } from './live.js';
import { planRequestedAction } from './plan-action.js';
import { lost, nothingToAdopt, planRelease } from './plan-adoption.js';
import { planDrift } from './plan-drift.js';
import { planAbsence, planLeaving, resuming } from './plan-leaving.js';
import { planStop } from './plan-power.js';
import { isToBeLookedFor, noteTold, planSeeding, planUnseeding, planUntold, seeded, seededFor } from './plan-seed.js';
import { planStranger } from './plan-stranger.js';
import { planStrategy } from './plan-strategy.js';
import { planRecreation, planRestart } from './plan-update.js';
import { attachedFor, planWaits } from './plan-waits.js';
import { notePutBack } from './put-back.js';
import { learn, type MachineRecord, running } from './record.js';
import { encodeRecord } from './record-text.js';
import { forgetDone } from './restarts.js';

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
  const asked = seededFor(attachedFor(desired, machine), subject);
  const settled = settledFor(asked, subject);
  const knowing = { ...subject, record: noteTold(settled.record, asked, subject) };
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
  return settledFor(seededFor(attachedFor(desired, machine), { machine, record }), { machine, record, now });
}

/** Why it keeps the seed that it has, if what is asked for cannot be had. */
export function keptNow(desired: DesiredMachine, { machine, record }: ObservedMachine): KeptBecause | undefined {
  return machine === undefined || desired.want !== 'present' ? undefined : seededFor(desired, { machine, record }).keptBecause;
}

function planPresence(desired: DesiredMachine, subject: Subject, settled: Settled, observed: ObservedMachine): Plan<MachineAction> {
  const requested = desired.action === undefined ? undefined : planRequestedAction(desired.action, desired, subject);
  const power = requested ?? planStrategy(desired, subject);
  const waits = planWaits(desired, subject.machine);
  if (waits.length > 0) return [...power.filter((decision) => !isStart(decision)), ...waits];
  const untold = planUntold(desired);
  if (untold.length > 0) return [...power.filter((decision) => !isStart(decision)), ...untold];
  // Only what is about to start needs its definition first: one that the host refuses must not keep a machine from being stopped.
  const defining = planDefinition(desired, subject, settled);
  const isLooking = defining.length === 0 && power.some(isStart) && isToBeLookedFor(desired, subject.machine, observed.seedKept);
  const definition = isLooking ? [defineAgain(subject, settled)] : defining;
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

const defineAgain = (subject: Subject, { definition }: Settled): Plan<MachineAction>[number] =>
  act(
    { kind: 'define', id: subject.machine.id, definition, mark: marked(subject, subject.record) },
    'the guest is to find what it is told',
  );

const isStart = (decision: Plan<MachineAction>[number]): boolean => decision.kind === 'act' && decision.action.kind === 'start';

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
  const mark = { ...marked(desired, record), until: encodeRecord({ ...observed.record, applied: '' }) };
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
  if (changed.length === 0 && !isHalfTold(machine)) return [];
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
      changed.length === 0 ? 'half a seed is taken away' : `the definition differs in ${changed.join(', ')}${becauseOf(others)}`,
    ),
  ];
}

/** What is left of it may be secret, and is nobody's: it does not wait for a start. */
const isHalfTold = ({ halfSeed, power }: Machine): boolean => halfSeed === true && power.state === 'Off' && power.reason !== 'Saved';

/** By the uuid and the native name that it has. */
const wantedOf = (desired: DesiredMachine, { uuid, nativeName }: Machine): MachineDefinition =>
  seeded({ ...desired.definition, uuid, nativeName }, desired);

/** In what the definition on the host is not what is asked for, as `planMachine` sees it. */
export function undefinedYet(desired: DesiredMachine, observed: ObservedMachine, now: number): readonly Difference[] {
  const configured = observed.machine?.configured;
  const settled = settledNow(desired, observed, now);
  return configured === undefined || settled === undefined ? [] : differences(configured, settled.definition);
}

/** What the host does not accept. A seed that is there is not brought, and need not be accepted any more. */
export function misfitsOf({ keptSeed: _, ...desired }: DesiredMachine): readonly Unfit[] {
  return unfitMachine(asked(seeded(desired.definition, desired)), desired.capabilities);
}

function planFit(desired: DesiredMachine): Plan<MachineAction> {
  const { host, refusedSeed } = desired;
  return [
    ...misfitsOf(desired).map((misfit) => refuse('Unfit', describeUnfit(misfit, host))),
    ...(refusedSeed === undefined ? [] : [refuse('Unfit', refusedSeed.because)]),
  ];
}

function planRemoval(desired: DesiredMachine, subject: Subject): Plan<MachineAction> {
  if (desired.release === true) return planRelease(desired, subject.machine);
  const { stop, owner, keepState } = desired;
  const { id, power } = subject.machine;
  return power.state === 'Off' ? [act({ kind: 'undefine', id, owner, keepState }, 'the resource was deleted')] : planStop(stop, subject);
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
