import type { VirtualMachineStatus } from '#crds/types.js';
import { timestamp } from '../conditions.js';
import { isFailure, type MachineRecord, mostPutBack, retryAt } from './record.js';

/** How its starts and stops went, which status remembers as well as the mark. */
export function runStatus(record: MachineRecord): VirtualMachineStatus['run'] {
  const { boot, lastStop, failures = 0, stopRequestedAt, resumes } = record;
  const retry = retryAt(record);
  return dropUndefined({
    bootId: boot === undefined ? undefined : String(boot.number),
    startedAt: boot === undefined ? undefined : timestamp(boot.at),
    failures,
    lastFailureAt: lastStop !== undefined && isFailure(lastStop.cause) ? timestamp(lastStop.at) : undefined,
    retryAt: retry === 0 ? undefined : timestamp(retry),
    stopRequestedAt: stopRequestedAt === undefined ? undefined : timestamp(stopRequestedAt),
    resumes,
    lastStop: lastStop === undefined ? undefined : { cause: lastStop.cause, time: timestamp(lastStop.at), bootId: String(lastStop.boot) },
  });
}

/** What status remembers, for when the machine and its mark are gone from the host. */
export const rememberedRecord = (status: VirtualMachineStatus | undefined): MachineRecord => ({
  ...rememberedRun(status?.run),
  ...rememberedPutBack(status?.drift),
});

function rememberedPutBack(drift: VirtualMachineStatus['drift'] = []): Pick<MachineRecord, 'putBack'> {
  const known = drift.flatMap(({ field, found, corrections, correctedAt }) =>
    corrections === undefined || correctedAt === undefined
      ? []
      : [[field, { at: Date.parse(correctedAt), times: corrections, found }] as const],
  );
  return known.length === 0 ? {} : { putBack: Object.fromEntries(known.slice(0, mostPutBack)) };
}

function rememberedRun(run: VirtualMachineStatus['run']): MachineRecord {
  if (run?.bootId === undefined || run.startedAt === undefined) return {};
  const { lastStop, failures = 0 } = run;
  return {
    boot: { number: Number(run.bootId), at: Date.parse(run.startedAt) },
    ...(failures === 0 ? {} : { failures }),
    ...(run.resumes === true ? { resumes: true } : {}),
    ...(lastStop?.bootId === undefined
      ? {}
      : { lastStop: { boot: Number(lastStop.bootId), cause: lastStop.cause, at: Date.parse(lastStop.time) } }),
  };
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Server-side apply takes a field away by its absence. */
export const dropUndefined = <T extends object>(value: T): WithoutUndefined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as WithoutUndefined<T>;
