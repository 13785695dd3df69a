import { codes, Refusal } from '../cim/codes.js';
import { parseEmbedded } from '../cim/embedded.js';
import type { Argument, Input, Output } from '../cim/namespace.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import { Problem, problems } from '../cim/problem.js';
import type { Host } from '../model/host.js';
import { type Job, jobObject } from '../model/jobs.js';

export type Method = (target: CimObject, input: Input) => Promise<Output> | Output;
/** By class and method: `Msvm_ComputerSystem.RequestStateChange`. */
export type Methods = Readonly<Record<string, Method>>;

export const texts = (input: Input, name: string): readonly string[] => (input[name] ?? []).filter((each) => typeof each === 'string');
export const text = (input: Input, name: string): string => texts(input, name)[0] ?? '';
export const objects = (input: Input, name: string): readonly CimObject[] => (input[name] ?? []).filter((each) => typeof each !== 'string');
export const embedded = (input: Input, name: string): readonly CimObject[] =>
  texts(input, name)
    .filter((each) => each.trim() !== '')
    .map(parseEmbedded);

/** @throws Problem */
export function oneObject(input: Input, name: string): CimObject {
  const [found] = objects(input, name);
  if (found === undefined) throw problems.invalid(`${name} is missing`);
  return found;
}

type Values = Readonly<Record<string, Argument | readonly Argument[] | undefined>>;
/** What a method does; what it gives back beside its return value. */
export type Act = (input: Input) => Promise<Values | undefined> | Values | undefined;

/** How long a method takes. */
export interface Pace {
  readonly className?: Job['className'];
  /** Takes its time, whatever the host does with all else. */
  readonly isLong?: boolean;
  /** Only looks, which no host makes a job of. */
  readonly isLook?: boolean;
}

export interface Work extends Pace {
  readonly method: string;
  /** The machine that it is about, where there is one. */
  readonly affects?: string | undefined;
  readonly act: () => ReturnType<Act>;
}

/** Methods of one class that do something, by their names. */
export function serviceMethods(host: Host, className: string, acts: Readonly<Record<string, Act>>, pace: Pace = {}): Methods {
  const methods = Object.entries(acts).map(([method, act]) => {
    const done: Method = (_, input) => work(host, { ...pace, method, affects: machineIn(host, input), act: () => act(input) });
    return [`${className}.${method}`, done] as const;
  });
  return Object.fromEntries(methods);
}

/** Does something, at once or by a job: then its values are told of the objects alone. Refusals become return values, or a failed job. */
export async function work(
  host: Host,
  { method, className = 'Msvm_ConcreteJob', isLong = false, isLook = false, affects, act }: Work,
): Promise<Output> {
  const failing = host.troubles.take(method, 'job');
  const held = host.troubles.take(method, 'hold');
  if (failing !== undefined || held !== undefined || isLong || (host.options.byJob && !isLook)) {
    const done = async (job: Job) => {
      await held?.until;
      if (failing !== undefined) throw new Refusal(failing.code, failing.message);
      const values = await act();
      job.affects ??= machineMade(values);
    };
    return ofJob(host.jobs.start(method, className, done, { type: jobTypes[method] ?? 0, affects }));
  }
  try {
    return { returnValue: codes.done, values: (await act()) ?? {} };
  } catch (reason) {
    return refused(reason);
  }
}

/** As `Msvm_ConcreteJob` and `Msvm_StorageJob` of version 2 name them. */
const jobTypes: Readonly<Record<string, number>> = {
  DefineSystem: 1,
  ModifySystemSettings: 2,
  DestroySystem: 3,
  CreateSnapshot: 70,
  ApplySnapshot: 71,
  DestroySnapshot: 72,
  AddResourceSettings: 30,
  ModifyResourceSettings: 31,
  RemoveResourceSettings: 32,
  CreateVirtualHardDisk: 1,
  ResizeVirtualHardDisk: 4,
  ConvertVirtualHardDisk: 6,
  ValidateVirtualHardDisk: 9,
};

/** The machine that is named in what a method is given, by its own GUID or as the beginning of a part's. */
function machineIn({ machines }: Host, input: Input): string | undefined {
  const given = Object.values(input).flat();
  const all = given.map((each) => (typeof each === 'string' ? each : JSON.stringify(each.values))).join(' ');
  return (all.match(/[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}/gi) ?? []).map((id) => id.toUpperCase()).find((id) => machines.has(id));
}

function machineMade(values: Values | undefined): string | undefined {
  const made = values?.['ResultingSystem'] ?? values?.['DefinedSystem'];
  return made === undefined || typeof made === 'string' || Array.isArray(made) ? undefined : textOfValue(made as CimObject, 'Name');
}

export const ofJob = (job: Job): Output => ({ returnValue: codes.job, values: { Job: jobObject(job) } });

export function refused(reason: unknown): Output {
  if (reason instanceof Refusal) return { returnValue: reason.code };
  if (reason instanceof Problem) throw reason;
  throw reason;
}

/** What a trouble makes of a method before it is begun. */
export function meetReturn(host: Host, method: string): Output | undefined {
  const trouble = host.troubles.take(method, 'return');
  return trouble === undefined ? undefined : { returnValue: trouble.code };
}
