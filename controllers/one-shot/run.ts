import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connect, RehearsedDrivers } from '#drivers/target.js';
import { type Outcome, outcomeOf } from '../foresight/outcome.js';
import { type Step, stepOf } from '../foresight/steps.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import { pretendToFill } from '../storage-volume/fill.js';
import type { MachineAction } from '../virtual-machine/action.js';
import { objectsFor, resourceOf, type Written } from './objects.js';
import { settled } from './settle.js';
import { withWorld } from './world.js';

/** Something is wrong with what was asked, or with the host; for people. */
export class OneShotError extends Error {}

export interface Request extends RehearsedDrivers {
  readonly uri: string;
  readonly written: readonly Written[];
  /** Of what names none. */
  readonly namespace: string;
  /** What marks on the host call this hand. */
  readonly cluster: string;
  readonly timeoutMs: number;
}

/** So long nothing moves in a rehearsal, where everything is done at once: on a busy machine it is slow to begin. */
const quietMs = 15_000;

/** What an apply would do, by doing it to the host as it would be. Nothing on the host changes. */
export async function planOnce(request: Request, signal: AbortSignal): Promise<Outcome> {
  const calls: string[] = [];
  const connect = request.rehearsing(request.connect, { noted: (call) => void calls.push(call) });
  return run({ ...request, connect }, { quietMs, isRehearsal: true, calls, onStep: () => {} }, signal);
}

/** Does it. `onStep` is told of each step before it is done. */
export const applyOnce = (request: Request, onStep: (step: Step) => void, signal: AbortSignal): Promise<Outcome> =>
  run(request, { quietMs: request.timeoutMs, isRehearsal: false, calls: [], onStep }, signal);

export interface Rendered {
  readonly namespace?: string;
  readonly name: string;
  readonly format: 'XML' | 'JSON';
  readonly text: string;
  readonly exists: boolean;
  readonly unchanged: boolean;
}

/** What the host's own writer would send for each machine; and what keeps a machine from being written at all. */
export async function renderOnce(
  request: Request,
  signal: AbortSignal,
): Promise<{ readonly rendered: readonly Rendered[]; readonly outcome: Outcome }> {
  const rendered = new Map<string, Promise<Rendered>>();
  let real: Driver | undefined;
  const connect = request.rehearsing(request.connect, {
    noted: () => {},
    reached: (driver) => {
      real = driver;
    },
  });
  const onDefine = (name: string, namespace: string | undefined, action: Extract<MachineAction, { kind: 'define' }>): void => {
    const key = `${namespace}/${name}`;
    if (rendered.has(key)) return;
    const drafted = draft(real, { name, ...(namespace === undefined ? {} : { namespace }) }, action, signal);
    // Looked at once all has settled: until then it is nobody's.
    drafted.catch(() => {});
    rendered.set(key, drafted);
  };
  const outcome = await run(
    { ...request, connect },
    { quietMs, isRehearsal: true, calls: [], onStep: () => {}, onDefine, drafts: rendered },
    signal,
  );
  const drafts = await Promise.all(rendered.values()).catch((reason: unknown) => {
    throw reason instanceof OneShotError ? reason : new OneShotError(DriverError.from(reason).message);
  });
  return { rendered: drafts, outcome };
}

async function draft(
  driver: Driver | undefined,
  of: Pick<Rendered, 'name' | 'namespace'>,
  { definition, mark }: Pick<Extract<MachineAction, { kind: 'define' }>, 'definition' | 'mark'>,
  signal: AbortSignal,
): Promise<Rendered> {
  if (driver?.drafts === undefined) throw new OneShotError('this host has no drafts: its driver writes a machine in several steps');
  return { ...of, ...(await driver.drafts.machine(definition, mark, signal)) };
}

interface Way {
  readonly quietMs: number;
  readonly isRehearsal: boolean;
  readonly calls: string[];
  readonly onStep: (step: Step) => void;
  readonly onDefine?: (name: string, namespace: string | undefined, action: Extract<MachineAction, { kind: 'define' }>) => void;
  /** Settled before the host is let go of. */
  readonly drafts?: ReadonlyMap<string, Promise<unknown>>;
}

async function run(request: Request, way: Way, signal: AbortSignal): Promise<Outcome> {
  const { objects, host } = prepared(request);
  const steps: Step[] = [];
  let underway = 0;
  let isRead = false;
  const connect: Connect = async (target, signal) => {
    const driver = await request.connect(target, signal);
    isRead = true;
    return driver;
  };
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  const options = {
    ...request,
    connect,
    host,
    ...(way.isRehearsal ? { fill: pretendToFill } : {}),
    onAct: (act: Parameters<typeof stepOf>[0]) => {
      underway += 1;
      const action = act.action as MachineAction;
      const { name, namespace } = act.object.metadata;
      if (act.kind === 'VirtualMachine' && action.kind === 'define') way.onDefine?.(name, namespace, action);
      const step = stepOf(act);
      if (step === undefined) return;
      steps.push(step);
      way.onStep(step);
    },
    onActed: () => {
      underway -= 1;
    },
    // A host that is not reached is nothing to be patient about when somebody waits.
    onTrouble: (message: string, error: unknown) => {
      if (message === `host ${host}`) failed.abort(new OneShotError(error instanceof Error ? error.message : String(error)));
    },
  };
  const work = async (client: Client): Promise<Outcome> => {
    await applyAll(client, objects, until);
    const found = await settled(
      client,
      { steps: () => steps.length, acts: () => underway, isRead: () => isRead },
      { quietMs: way.quietMs, timeoutMs: request.timeoutMs },
      until,
    );
    if (!isRead)
      throw new OneShotError(`the host was not reached and read within ${request.timeoutMs / 1_000} s; give it more with --timeout`);
    await Promise.allSettled([...(way.drafts?.values() ?? [])]);
    return outcomeOf(steps, found, way.calls);
  };
  try {
    return await withWorld(options, work, until);
  } catch (reason) {
    if (failed.signal.aborted && !signal.aborted) throw failed.signal.reason;
    throw reason;
  }
}

function prepared({ written, uri, namespace }: Request) {
  try {
    return objectsFor(written, uri, namespace);
  } catch (reason) {
    throw new OneShotError(reason instanceof Error ? reason.message : String(reason));
  }
}

async function applyAll(client: Client, objects: readonly Written[], signal: AbortSignal): Promise<void> {
  for (const object of objects) {
    const resource = resourceOf(object);
    if (resource === undefined) continue;
    await client.apply(resource, object, { force: true, strict: true }, signal).catch((reason: unknown) => {
      if (!(reason instanceof ApiError)) throw reason;
      throw new OneShotError(`${object.kind} "${object.metadata.name}": ${reason.message}`);
    });
  }
}
