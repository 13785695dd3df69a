import { type Session, sessions } from '#crds/types.js';
import { deleteSeen } from '../kubernetes/now.js';
import type { Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { createLoop, publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import { aboutOf } from '../session/about.js';
import type { Door } from '../session/door.js';
import type { Opening, Service } from '../session/opening.js';
import { expiryOf, reportSession } from '../session/report.js';
import type { Surroundings } from './loops.js';
import { judge, ready } from './session-verdict.js';

const againMs = 1_000;

/** Opens the door to those who may come in to what is on one host, and sees that what is over is gone. */
export function sessionLoop(surroundings: Surroundings, door: Door): Queue {
  const { client, watched, metrics, onTrouble } = surroundings;
  const pass = async (session: Session, signal: AbortSignal): Promise<Outcome> => {
    const { uid } = session.metadata;
    const state = door.stateOf(uid);
    if (state === 'used') return { kind: 'converged' };
    const now = Date.now();
    const leftMs = expiryOf(session, now) - now;
    if (state === 'open' && leftMs <= 0) door.dismiss(uid);
    if (state === 'over' || leftMs <= 0) {
      await deleteSeen(client, sessions, session, signal);
      return { kind: 'converged' };
    }
    const verdict = judge(session, surroundings);
    const open = verdict.kind === 'open' ? { address: door.address, certificateSHA256: door.fingerprint } : undefined;
    if (verdict.kind === 'open') door.admit(openingFor(session, verdict.service, surroundings, () => queue.add(keyOf(session.metadata))));
    else door.dismiss(uid);
    const stands = verdict.kind === 'open' ? ready : verdict.stands;
    await publishStatus({ client, ...watched.sessions }, session, reportSession(session, stands, open, now), signal);
    const recheckMs = stands.kind === 'reconciling' ? Math.min(leftMs, againMs) : leftMs;
    return { kind: 'progressing', recheckMs, because: 'it goes when its time is up' };
  };
  watched.sessions.store.subscribe((change) => {
    if (change.kind === 'deleted') door.dismiss(change.previous.metadata.uid);
  });
  const queue = createLoop({
    store: watched.sessions.store,
    workers: 4,
    pass,
    onError: (key, error) => onTrouble(`Session ${key}`, error),
    observer: metrics.queue('sessions'),
  });
  return queue;
}

function openingFor(session: Session, service: Service, { watched, recorder }: Surroundings, onEnd: () => void): Opening {
  const { metadata, spec } = session;
  const about = spec.hypervisorRef === undefined ? aboutOf(session, watched).known : undefined;
  const note = (from: string) => `session ${metadata.name} was opened from ${from}`;
  return {
    uid: metadata.uid,
    fingerprint: spec.certificateSHA256,
    purpose: spec.purpose,
    service,
    onUse: (from) => about && recorder.record(about, { type: 'Normal', reason: `${spec.purpose}Opened`, note: note(from) }),
    onEnd,
  };
}
