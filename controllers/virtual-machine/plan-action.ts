import type { Capability } from '#drivers/driver.js';
import { act, type Plan, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { aboutToBeOff, planResume, planRun, planStop, type StopPolicy } from './plan-power.js';
import { type ActionRecord, bootNumber, ended, recordable, unasked } from './record.js';

export type RunStrategy = 'Always' | 'RerunOnFailure' | 'Once' | 'Manual' | 'Halted';
export type Verb = 'Start' | 'Stop' | 'Restart' | 'Pause' | 'Resume' | 'Reset' | 'Save';

/** A VirtualMachineAction, as far as the machine's plan goes. */
export interface RequestedAction {
  readonly uid: string;
  readonly verb: Verb;
  readonly mode?: StopPolicy['mode'];
}

interface Policy {
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  readonly host: string;
  readonly capabilities: readonly Capability[];
}

/** How an action stands: done for, against, or with these steps still to go. */
type Verdict =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'steps'; readonly plan: Plan<MachineAction> };

const succeeded: Verdict = { kind: 'succeeded' };
const failed = (message: string): Verdict => ({ kind: 'failed', message });
const steps = (plan: Plan<MachineAction>): Verdict => ({ kind: 'steps', plan });

/**
 * The steps for an action, or nothing when it is over and the run strategy has its say again. It is first noted as taken up, so
 * that it is done at most once whoever restarts in between, and at the end its outcome is noted for the action's status.
 */
export function planRequestedAction(action: RequestedAction, policy: Policy, subject: Subject): Plan<MachineAction> | undefined {
  const { record, now, machine } = subject;
  const taken = record.action?.uid === action.uid ? record.action : undefined;
  if (taken?.outcome !== undefined) return undefined;
  const note = (next: ActionRecord, because: string): Plan<MachineAction> => [
    act({ kind: 'note', id: machine.id, mark: marked(subject, { ...record, action: next }) }, because),
  ];
  if (taken === undefined) {
    const fresh: ActionRecord = { uid: action.uid, at: now, boot: bootNumber(record) };
    const objection = lackOf(action.verb, policy) ?? objectionTo(action.verb, policy.runStrategy, subject);
    if (objection !== undefined) return note({ ...fresh, outcome: 'Failed', message: objection }, objection);
    return note(fresh, `action ${action.verb} is taken up`);
  }
  const verdict = judge(action, taken, policy, subject);
  if (verdict.kind === 'steps') return verdict.plan;
  if (verdict.kind === 'succeeded') return note({ ...taken, outcome: 'Succeeded' }, `action ${action.verb} is done`);
  const message = recordable(verdict.message);
  const failure = marked(subject, { ...unasked(record), action: { ...taken, outcome: 'Failed', message } });
  return [act({ kind: 'note', id: machine.id, mark: failure }, message)];
}

/** Verbs that not every host has, and what serves instead. */
const lacking: Readonly<Partial<Record<Verb, { readonly field: string; readonly instead: string }>>> = {
  Pause: { field: 'power.pause', instead: 'use Stop' },
  Reset: { field: 'power.reset', instead: 'use Restart with mode Hard' },
  Save: { field: 'power.save', instead: 'use Pause, or Stop' },
};

function lackOf(verb: Verb, { host, capabilities }: Policy): string | undefined {
  const needs = lacking[verb];
  if (needs === undefined || capabilities.some(({ field }) => field === needs.field)) return undefined;
  return `${host} has no ${verb} (${needs.field}); ${needs.instead}`;
}

function objectionTo(verb: Verb, strategy: RunStrategy, { machine: { power }, record }: Subject): string | undefined {
  const off = power.state === 'Off';
  const saved = off && power.reason === 'Saved';
  if (saved && verb === 'Save') return undefined;
  if (off && verb !== 'Start' && verb !== 'Stop') return `the machine is off; ${verb} needs it running`;
  switch (verb) {
    case 'Start':
      if (strategy === 'Halted') return 'runStrategy is Halted; set it to Manual or Always to let the machine run';
      if (strategy === 'Once' && off && !saved && bootNumber(record) > 0)
        return 'runStrategy is Once and the machine has run; set it to Manual to run it again';
      return power.state === 'Paused' ? 'the machine is paused; use Resume' : undefined;
    case 'Stop':
      return strategy === 'Always' ? 'runStrategy Always would start it again; set it to Halted, or use Restart' : undefined;
    case 'Restart':
      return strategy === 'Once' || strategy === 'Halted'
        ? `runStrategy ${strategy} does not start it again; set it to Manual or Always`
        : undefined;
    case 'Save':
      return strategy === 'Always' ? 'runStrategy Always would start it again; set it to Manual' : undefined;
    case 'Resume':
    case 'Pause':
    case 'Reset':
      return undefined;
  }
}

function judge(action: RequestedAction, taken: ActionRecord, { stop }: Policy, subject: Subject): Verdict {
  const policy = { ...stop, mode: action.mode ?? stop.mode };
  switch (action.verb) {
    case 'Start':
      return judgeStart(taken, subject);
    case 'Stop':
      return action.mode === 'Hard' && isSaved(subject) ? dropSaved(subject) : judgeStop(policy, subject);
    case 'Restart':
      return judgeRestart(policy, taken, subject);
    case 'Pause':
      return judgePause(subject);
    case 'Resume':
      return judgeResume(subject);
    case 'Reset':
      return judgeReset(taken, subject);
    case 'Save':
      return judgeSave(subject);
  }
}

function judgeStart(taken: ActionRecord, subject: Subject): Verdict {
  const { machine, record } = subject;
  const { state, reason } = machine.power;
  const started = bootNumber(record) !== taken.boot;
  if (state === 'On') return succeeded;
  if (state === 'Off' && taken.begun === true) return failed(record.lastStop?.message ?? 'the host did not start it');
  if (state === 'Off' && started) return failed(`the machine started and was off again at once (${record.lastStop?.cause ?? 'Unknown'})`);
  if (started && (state === 'Stopping' || hostsPauses.has(reason))) return succeeded;
  return steps(planRun(subject, { exactly: true, withoutBackOff: true }));
}

/** It runs as far as a start can help: other actions need not wait until these are over. */
const hostsPauses: ReadonlySet<string> = new Set(['IOError', 'Crashed', 'Busy']);

function judgeStop(policy: StopPolicy, subject: Subject): Verdict {
  const { machine, record, now } = subject;
  if (machine.power.state === 'Off') return succeeded;
  const { stopRequestedAt } = record;
  if (policy.mode === 'Soft' && stopRequestedAt !== undefined && now - stopRequestedAt >= policy.timeoutMs) {
    return failed(`the guest did not power off within ${policy.timeoutMs / 1_000} s; use mode TrySoft or Hard`);
  }
  return steps(planStop(policy, subject));
}

function judgeRestart(policy: StopPolicy, taken: ActionRecord, subject: Subject): Verdict {
  const stillTheSame = bootNumber(subject.record) === taken.boot && !ended(subject.record);
  return stillTheSame ? judgeStop(policy, subject) : judgeStart(taken, subject);
}

function judgePause(subject: Subject): Verdict {
  const { machine, record } = subject;
  if (machine.power.state === 'Off') return failed('the machine went off before it could be paused');
  if (machine.power.reason === 'Crashed') return failed('the guest crashed before it could be paused');
  if (machine.power.state === 'Paused' && record.paused === true) return succeeded;
  return steps([act({ kind: 'pause', id: machine.id, mark: marked(subject, { ...record, paused: true }) }, 'an action asks for a pause')]);
}

function judgeResume(subject: Subject): Verdict {
  const { power } = subject.machine;
  if (power.state === 'Off') return failed('the machine went off before it could be resumed');
  return power.state === 'Paused' ? steps(planResume(subject)) : succeeded;
}

const isSaved = ({ machine: { power } }: Subject): boolean => power.state === 'Off' && power.reason === 'Saved';

/** Off it is already; whoever says that its guest need not be asked has done with what was saved of it. */
const dropSaved = ({ machine: { id }, owner }: Subject): Verdict =>
  steps([act({ kind: 'cut', id, owner }, 'an action asks for a stop, and what was saved is dropped')]);

function judgeSave(subject: Subject): Verdict {
  const { machine, owner } = subject;
  const { id, power } = machine;
  if (isSaved(subject)) return succeeded;
  if (power.state === 'Off') return failed('the machine went off before it could be saved');
  if (power.reason === 'Busy') return steps([wait('HostBusy', 'the host is at work on the machine, as when it saves it', 1_000)]);
  if (power.state === 'Paused') return failed('the machine is paused; use Resume first, as only one that runs is saved');
  if (power.state === 'Stopping') return steps([aboutToBeOff(machine)]);
  return steps([act({ kind: 'save', id, owner, record: subject.record }, 'an action asks for it')]);
}

/** A reset cannot be seen afterwards: it is noted before, and never done a second time. */
function judgeReset(taken: ActionRecord, subject: Subject): Verdict {
  const { machine, record, owner } = subject;
  if (taken.begun === true) return failed('interrupted while resetting: it may or may not have happened; look at the guest and ask again');
  if (machine.power.state === 'Off') return failed('the machine went off before it could be reset');
  const begun = { ...record, action: { ...taken, begun: true as const } };
  return steps([act({ kind: 'reset', id: machine.id, owner, mark: marked(subject, begun), record: begun }, 'an action asks for a reset')]);
}
