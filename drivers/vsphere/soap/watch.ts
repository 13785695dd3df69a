import { DriverError } from '#drivers/error.js';
import { createFilter, destroyPropertyFilter, type ObjectUpdate, waitForUpdatesEx } from './operations.js';
import { filterOf, type Query } from './properties.js';
import type { Session } from './session.js';
import type { Ref } from './types.js';

/** In seconds: how long a host keeps silent when there is nothing to tell, and how much longer one waits before it counts as lost. */
const silence = { host: 30, grace: 15 };

export interface Watched {
  /** What is watched, found out anew for each session. */
  queries(signal: AbortSignal): Promise<readonly Query[]>;
  /** From here on nothing is missed; before it, something may have been. */
  onGap(): void;
  onUpdate(update: ObjectUpdate): void;
}

/**
 * The long poll, which is the session's pulse as well: it keeps the session from idling out, and a host that fails it twice in a row counts
 * as lost. Filters live with the session: after another login, or when the host has forgotten them, they are made anew.
 */
export async function watchUpdates(session: Session, watched: Watched, signal: AbortSignal): Promise<void> {
  let filters: readonly Ref[] = [];
  for (let failures = 0; !signal.aborted; ) {
    const age = session.age;
    try {
      filters = await establish(session, await watched.queries(signal), signal);
      await poll(session, watched, age, signal, () => {
        failures = 0;
      });
    } catch (reason) {
      failures += 1;
      if (signal.aborted) return;
      if (failures > 1) return session.end(lost(session, reason));
    }
    if (session.age === age) await release(session, filters, signal);
  }
}

async function establish(session: Session, queries: readonly Query[], signal: AbortSignal): Promise<readonly Ref[]> {
  const { propertyCollector } = session.content;
  const filters: Ref[] = [];
  for (const query of queries)
    filters.push(await session.ask(createFilter, propertyCollector, { spec: filterOf(query), partialUpdates: true }, signal));
  return filters;
}

/** Those that are there still. */
async function release(session: Session, filters: readonly Ref[], signal: AbortSignal): Promise<void> {
  for (const filter of filters) await session.ask(destroyPropertyFilter, filter, {}, signal, { ofSession: true }).catch(() => {});
}

/** Until the session is another one. The first answer is all that there is, and tells only that the host hears us. */
async function poll(session: Session, watched: Watched, age: number, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  let isFirst = true;
  for (let version = ''; session.age === age; ) {
    const updates = await wait(session, version, signal);
    onAnswer();
    version = updates?.version ?? version;
    const objects = (updates?.filterSet ?? []).flatMap(({ objectSet }) => objectSet);
    if (!isFirst) for (const update of objects) watched.onUpdate(update);
    if (isFirst && updates?.truncated !== true) {
      isFirst = false;
      watched.onGap();
    }
  }
}

function wait(session: Session, version: string, signal: AbortSignal) {
  const args = { version, options: { maxWaitSeconds: silence.host } };
  const options = { lane: 'watch', timeoutMs: (silence.host + silence.grace) * 1_000, ofSession: true } as const;
  return session.ask(waitForUpdatesEx, session.content.propertyCollector, args, signal, options);
}

function lost(session: Session, reason: unknown): DriverError {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new DriverError('Unavailable', `${session.peer} is lost: ${why}`, { cause: reason });
}
