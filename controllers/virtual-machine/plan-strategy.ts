import { act, type Plan } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import type { DesiredMachine } from './desired.js';
import { planRun, planStop } from './plan-power.js';
import { bootNumber, isFailure, type MachineRecord } from './record.js';

/** What the run strategy asks for: a start, a stop, or nothing. */
export function planStrategy({ runStrategy, stop }: DesiredMachine, subject: Subject): Plan<MachineAction> {
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
