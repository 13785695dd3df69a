import { setTimeout as sleep } from 'node:timers/promises';
import { gaveUp, throwIfAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { Rows } from '#drivers/https/rows.js';
import { child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { isTransient, toDriverError } from './driver-error.js';
import { readLocalizedFault } from './fault.js';
import { retrieveAll, retrieveOne } from './properties.js';
import type { Session } from './session.js';
import { type Ref, ref, text } from './types.js';

/** In milliseconds. */
export interface Pace {
  /** Before one looks again whether a task has ended; the last one again and again. */
  readonly looks: readonly number[];
  /** Before what met a passing trouble is tried again; then the trouble is told. */
  readonly tries: readonly number[];
}

export const usualPace: Pace = { looks: [10, 20, 50, 100, 200, 500, 1_000], tries: [1_000, 2_000, 4_000, 8_000] };

const underWay = ['queued', 'running'];

/** Tasks of one host. What changes an object goes in a row with whatever else changes it, ours or not. */
export class Tasks {
  readonly #session: Session;
  readonly #pace: Pace;
  readonly #rows = new Rows();

  constructor(session: Session, pace: Pace = usualPace) {
    this.#session = session;
    this.#pace = pace;
  }

  /**
   * One change of an object at a time. A task that is under way already, begun by someone else or by us in a former life, is waited for.
   * What meets a passing trouble is done anew, from looking on, a few times.
   */
  change<T>(object: Ref, act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const afterOthers = async () => {
      await this.settled(object, signal);
      return act();
    };
    return this.inRow(`${object.type} ${object.value}`, () => this.patiently(afterOthers, signal), signal);
  }

  /** One at a time of those of one key, which need not be there yet. */
  inRow<T>(key: string, act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#rows.through(key, act, signal);
  }

  /**
   * Waits for the task, and gives its result. Rejects with the task's own error, in full, and as Busy when its machine waits for somebody to
   * answer a question: that may take for ever.
   */
  async finished(task: Ref, signal: AbortSignal): Promise<XmlElement | undefined> {
    for (let look = 0; ; look += 1) {
      const info = (await retrieveOne(this.#session, task, ['info'], signal))?.element('info');
      if (info === undefined) throw new DriverError('NotFound', `the host has forgotten task ${task.value} before its end was seen`);
      const state = textOf(child(info, 'state')) ?? '';
      const error = child(info, 'error');
      if (state === 'error') throw error === undefined ? failed(task) : toDriverError(readLocalizedFault(error));
      if (!underWay.includes(state)) return child(info, 'result');
      await this.#assertUnasked(child(info, 'entity'), look, signal);
      await pause(this.#pace.looks[look] ?? this.#pace.looks.at(-1) ?? 1_000, signal);
    }
  }

  /** Most tasks end before it is time to ask for that. */
  async #assertUnasked(entity: XmlElement | undefined, look: number, signal: AbortSignal): Promise<void> {
    if (entity === undefined || look < this.#pace.looks.length - 1) return;
    const machine = ref.read([entity], 'info.entity');
    if (machine.type !== 'VirtualMachine') return;
    const found = await retrieveOne(this.#session, machine, ['name', 'runtime.question'], signal);
    const question = found?.element('runtime.question');
    if (question !== undefined) throw asked(found?.get('name', text) ?? machine.value, question);
  }

  /** At once, whatever else is under way; what meets a passing trouble is done anew. */
  async patiently<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries += 1)
      try {
        return await act();
      } catch (reason) {
        const wait = this.#pace.tries[tries];
        if (wait === undefined || !isTransient(reason)) throw reason;
        await pause(wait, signal);
      }
  }

  /** Resolves when no task of this object is under way, however they end: that is for whoever began them. */
  async settled(object: Ref, signal: AbortSignal): Promise<void> {
    const recent = (await retrieveOne(this.#session, object, ['recentTask'], signal))?.refs('recentTask') ?? [];
    const tasks = await retrieveAll(this.#session, recent, ['info.state'], signal);
    for (const task of tasks) {
      if (!underWay.includes(task.get('info.state', text) ?? '')) continue;
      await this.finished(task.ref, signal).catch((reason) => {
        throwIfAborted(signal);
        if (reason instanceof Asked) throw reason;
      });
    }
  }
}

/** What a host wants to know before it goes on, as the VirtualMachineQuestionInfo has it. */
class Asked extends DriverError {}

function asked(name: string, question: XmlElement): Asked {
  const choices = elements(child(question, 'choice'), 'choiceInfo').map(
    (each) => textOf(child(each, 'label')) ?? textOf(child(each, 'key')),
  );
  const answers = choices.length === 0 ? '' : ` (${choices.join(', ')})`;
  return new Asked(
    'Busy',
    `machine "${name}" waits for an answer${answers} to "${textOf(child(question, 'text')) ?? ''}": give it on the host`,
  );
}

function failed(task: Ref): DriverError {
  return new DriverError('Internal', `task ${task.value} failed, and the host does not say why`);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw gaveUp(signal);
  });
}
