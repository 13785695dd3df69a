import { type Session, type SessionStatus, type StorageVolume, sessions, type VirtualMachine } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { isReady, notReady, type Standing } from '../conditions.js';
import { deleteSeen, getNow } from '../kubernetes/now.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import { aboutOf } from '../session/about.js';
import { expiryOf, reportSession } from '../session/report.js';

/** Gives a session to the agent of the host that its machine or volume is on. One that has none goes when its time is up, as no agent sees it. */
export async function bindSession({ client, watched }: Binder, session: Session, signal: AbortSignal): Promise<Outcome> {
  const { metadata, status } = session;
  if (status?.hypervisor !== undefined) return { kind: 'converged' };
  const now = Date.now();
  const leftMs = expiryOf(session, now) - now;
  if (leftMs <= 0) {
    await deleteSeen(client, sessions, session, signal);
    return { kind: 'converged' };
  }
  const tell = (told: SessionStatus) => publishStatus({ client, ...watched.sessions }, session, told, signal);
  const giveToHost = async (host: string): Promise<Outcome> => {
    if (watched.hypervisors.store.get(host) === undefined) {
      await tell(reportSession(session, noHost(host), undefined, now));
      return { kind: 'progressing', recheckMs: leftMs, because: 'what it is about is not there' };
    }
    const { expiresAt: _, ...told } = reportSession(session, waitsForAgent, undefined, now);
    await tell({ ...told, hypervisor: host });
    return { kind: 'converged' };
  };
  const asked = session.spec.hypervisorRef?.name;
  if (asked !== undefined) return giveToHost(asked);
  const { what, resource, name, known } = aboutOf(session, watched);
  // Each kind has a watch of its own: that of machines may be behind that of sessions.
  if (known === undefined && (await getNow(client, resource, { namespace: metadata.namespace, name }, signal)) !== undefined)
    return { kind: 'progressing', recheckMs: lookAgainMs, because: 'what it is about is not seen yet' };
  const hypervisor = known?.status?.hypervisor;
  if (hypervisor === undefined) {
    await tell(reportSession(session, hindrance(what, metadata.namespace, known), undefined, now));
    return { kind: 'progressing', recheckMs: Math.min(leftMs, lookAgainMs), because: 'what it is about has no host' };
  }
  return giveToHost(hypervisor);
}

const noHost = (name: string): Standing => ({ kind: 'stalled', reason: 'NotFound', message: `there is no Hypervisor "${name}"` });

const lookAgainMs = 1_000;

const waitsForAgent: Standing = { kind: 'reconciling', reason: 'Waiting', message: 'waits for the agent of the host' };

function hindrance(what: string, namespace: string, known: VirtualMachine | StorageVolume | undefined): Standing {
  if (known === undefined) return { kind: 'stalled', reason: 'NotFound', message: `there is no ${what} in namespace "${namespace}"` };
  return { kind: 'reconciling', reason: 'NoHost', message: `${what} has no host yet${isReady(known) ? '' : `: it is ${notReady(known)}`}` };
}
