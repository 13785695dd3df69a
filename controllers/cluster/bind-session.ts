import { type Session, type SessionStatus, sessions, virtualMachines } from '#crds/types.js';
import type { Binder } from '../binder.js';
import type { Standing } from '../conditions.js';
import { deleteSeen, getNow } from '../kubernetes/now.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import { expiryOf, reportSession } from '../session/report.js';

/** Gives a session to the agent of its machine's host. One that has none goes when its time is up, as no agent sees it. */
export async function bindSession({ client, watched }: Binder, session: Session, signal: AbortSignal): Promise<Outcome> {
  const { metadata, spec, status } = session;
  if (status?.hypervisor !== undefined) return { kind: 'converged' };
  const now = Date.now();
  const leftMs = expiryOf(session, now) - now;
  if (leftMs <= 0) {
    await deleteSeen(client, sessions, session, signal);
    return { kind: 'converged' };
  }
  const tell = (told: SessionStatus) => publishStatus({ client, ...watched.sessions }, session, told, signal);
  const ref = { namespace: metadata.namespace, name: spec.machineRef?.name ?? '' };
  const machine = watched.machines.store.get(`${ref.namespace}/${ref.name}`);
  // Each kind has a watch of its own: that of machines may be behind that of sessions.
  if (machine === undefined && (await getNow(client, virtualMachines, ref, signal)) !== undefined)
    return { kind: 'progressing', recheckMs: 1_000, because: 'its machine is not seen yet' };
  const hypervisor = machine?.status?.hypervisor;
  if (hypervisor === undefined) {
    await tell(reportSession(session, hindrance(machine !== undefined, ref), undefined, now));
    return { kind: 'progressing', recheckMs: leftMs, because: 'its machine has no host' };
  }
  const { expiresAt: _, ...told } = reportSession(session, waitsForAgent, undefined, now);
  await tell({ ...told, hypervisor });
  return { kind: 'converged' };
}

const waitsForAgent: Standing = { kind: 'reconciling', reason: 'Waiting', message: "waits for the agent of its machine's host" };

const hindrance = (isThere: boolean, { namespace, name }: { readonly namespace: string; readonly name: string }): Standing =>
  isThere
    ? { kind: 'stalled', reason: 'WaitingForMachine', message: `machine "${name}" has no host yet; see what it says itself` }
    : { kind: 'stalled', reason: 'NotFound', message: `there is no machine "${name}" in namespace "${namespace}"` };
