import { DriverError } from '#drivers/error.js';
import { createFilter, createPropertyCollector, destroyPropertyCollector, type ObjectUpdate, waitForUpdatesEx } from './operations.js';
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
 * as lost. It has a collector of its own, which lives as long as the session: after another login, or when the host has forgotten it, it is
 * made anew.
 */
export async function watchUpdates(session: Session, watched: Watched, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const age = session.age;
    let collector: Ref | undefined;
    try {
      collector = await session.ask(createPropertyCollector, session.content.propertyCollector, {}, signal);
      for (const query of await watched.queries(signal))
        await session.ask(createFilter, collector, { spec: filterOf(query), partialUpdates: true }, signal, ofSession);
      await poll(session, collector, watched, age, signal, () => {
        failures = 0;
      });
    } catch (reason) {
      failures += 1;
      if (signal.aborted) return;
      if (failures > 1) return session.end(lost(session, reason));
    }
    if (collector !== undefined && session.age === age) await release(session, collector, signal);
  }
}

const ofSession = { ofSession: true } as const;

/** With its filters, and with what may still be waiting there for nobody. */
async function release(session: Session, collector: Ref, signal: AbortSignal): Promise<void> {
  await session.ask(destroyPropertyCollector, collector, {}, signal, ofSession).catch(() => {});
}

/** Until the session is another one. The first answer is all that there is, and tells only that the host hears us. */
async function poll(
  session: Session,
  collector: Ref,
  watched: Watched,
  age: number,
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<void> {
  let isFirst = true;
  for (let version = ''; session.age === age; ) {
    const updates = await wait(session, collector, version, signal);
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

function wait(session: Session, collector: Ref, version: string, signal: AbortSignal) {
  const args = { version, options: { maxWaitSeconds: silence.host } };
  const options = { lane: 'watch', timeoutMs: (silence.host + silence.grace) * 1_000, ...ofSession } as const;
  return session.ask(waitForUpdatesEx, collector, args, signal, options);
}

function lost(session: Session, reason: unknown): DriverError {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new DriverError('Unavailable', `${session.peer} is lost: ${why}`, { cause: reason });
}
