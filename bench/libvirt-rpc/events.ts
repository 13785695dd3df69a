import { connectLibvirt } from '#drivers/libvirt/connect.js';
import { median, now } from '../apply-to-ready/measure.js';
import type { Figures } from './contender.js';
import { PythonClient } from './python.js';

/** In seconds, between two changes: each is heard before the next. */
const pause = 0.005;

/**
 * From when a third party asks for a change until each listener was told of it, in microseconds: medians. Both listen at the same time,
 * so each change is one for both; what the daemon takes is in both.
 */
export async function eventLatency(
  uri: string,
  machine: string,
  times: number,
): Promise<{ readonly ours: Figures; readonly theirs: Figures }> {
  await using theirs = new PythonClient(uri, machine, '--events');
  await using trigger = new PythonClient(uri, machine);
  await theirs.ask('watch', { times });
  const hearing = await listen(uri, times);
  const { asked } = await trigger.ask<{ readonly asked: readonly number[] }>('trigger', { times, pause });
  const heard = await theirs.next<{ readonly seen: readonly number[] }>();
  return { ours: figure(asked, await hearing.seen), theirs: figure(asked, heard.seen) };
}

/** Resolves once it listens. */
async function listen(uri: string, times: number): Promise<{ readonly seen: Promise<readonly number[]> }> {
  const ending = new AbortController();
  const connection = await connectLibvirt(uri, {}, ending.signal);
  const events = connection.events(ending.signal)[Symbol.asyncIterator]();
  await events.next();
  const hear = async () => {
    const seen: number[] = [];
    while (seen.length < times) {
      const { value } = await events.next();
      if (value?.kind === 'domain' && value.event === 'lifecycle') seen.push(now());
    }
    await connection[Symbol.asyncDispose]();
    return seen;
  };
  return { seen: hear() };
}

const figure = (asked: readonly number[], seen: readonly number[]): Figures => ({
  'an event (us)': median(asked.map((at, index) => ((seen[index] ?? Number.NaN) - at) * 1e6)),
});
