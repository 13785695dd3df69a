import { type Session, sessions, type VirtualMachine } from '#crds/types.js';
import type { Driver, Machine } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Standing } from '../conditions.js';
import { ApiError } from '../kubernetes/client.js';
import { deleteSeen } from '../kubernetes/now.js';
import type { Queue } from '../kubernetes/queue.js';
import { createLoop, publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import type { Door } from '../session/door.js';
import type { Service } from '../session/opening.js';
import { expiryOf, reportSession } from '../session/report.js';
import type { Surroundings } from './loops.js';

/** Whether a session can be opened now, and what it leads to. */
type Verdict = { readonly kind: 'open'; readonly service: Service } | { readonly kind: 'closed'; readonly stands: Standing };

const ready: Standing = { kind: 'ready', reason: 'Open', message: '' };
const againMs = 1_000;

/** Opens the door to those who may come in to the machines of one host, and sees that what is over is gone. */
export function sessionLoop(surroundings: Surroundings, door: Door): Queue {
  const { client, watched, metrics, onTrouble } = surroundings;
  const pass = async (session: Session, signal: AbortSignal): Promise<Outcome> => {
    const { uid } = session.metadata;
    if (door.isInUse(uid)) return { kind: 'converged' };
    const now = Date.now();
    const leftMs = expiryOf(session, now) - now;
    if (leftMs <= 0) {
      door.dismiss(uid);
      await deleteSeen(client, sessions, session, signal);
      return { kind: 'converged' };
    }
    const verdict = judge(session, surroundings);
    const open = verdict.kind === 'open' ? { address: door.address, certificateSHA256: door.fingerprint } : undefined;
    if (verdict.kind === 'open') admit(session, verdict.service, surroundings, door);
    else door.dismiss(uid);
    const stands = verdict.kind === 'open' ? ready : verdict.stands;
    await publishStatus({ client, ...watched.sessions }, session, reportSession(session, stands, open, now), signal);
    const recheckMs = stands.kind === 'reconciling' ? Math.min(leftMs, againMs) : leftMs;
    return { kind: 'progressing', recheckMs, because: 'it goes when its time is up' };
  };
  watched.sessions.store.subscribe((change) => {
    if (change.kind === 'deleted') door.dismiss(change.previous.metadata.uid);
  });
  return createLoop({
    store: watched.sessions.store,
    workers: 4,
    pass,
    onError: (key, error) => onTrouble(`Session ${key}`, error),
    observer: metrics.queue('sessions'),
  });
}

function admit(session: Session, service: Service, { client, watched, recorder, onTrouble }: Surroundings, door: Door): void {
  const { metadata, spec } = session;
  const machine = machineOf(session, watched);
  const note = (from: string) => `session ${metadata.name} was opened from ${from}`;
  door.admit({
    uid: metadata.uid,
    fingerprint: spec.certificateSHA256,
    purpose: spec.purpose,
    service,
    onUse: (from) => machine && recorder.record(machine, { type: 'Normal', reason: `${spec.purpose}Opened`, note: note(from) }),
    onEnd: () => {
      const gone = client.delete(sessions, metadata, { uid: metadata.uid }, AbortSignal.timeout(30_000));
      gone.catch((reason) => ApiError.is(reason, 'NotFound') || onTrouble(`ending session ${metadata.namespace}/${metadata.name}`, reason));
    },
  });
}

const machineOf = ({ metadata, spec }: Session, { machines }: Surroundings['watched']): VirtualMachine | undefined =>
  machines.store.get(`${metadata.namespace}/${spec.machineRef?.name}`);

const closed = (kind: Standing['kind'], reason: string, message: string): Verdict => ({
  kind: 'closed',
  stands: { kind, reason, message },
});

function judge(session: Session, { host, watched }: Surroundings): Verdict {
  const machine = machineOf(session, watched);
  const name = session.spec.machineRef?.name;
  if (machine === undefined) return closed('reconciling', 'WaitingForMachine', `machine "${name}" is not seen on ${host.name} yet`);
  if (machine.metadata.deletionTimestamp !== undefined) return closed('stalled', 'Terminating', `machine "${name}" is being deleted`);
  const { connected, failure } = host;
  if (connected === undefined && failure?.verdict === 'stall')
    return closed('stalled', failure.code, `host ${host.name} is not reached: ${failure.message}`);
  if (connected === undefined)
    return closed(
      'reconciling',
      'Unavailable',
      `host ${host.name} is not reached${failure === undefined ? ' yet' : `: ${failure.message}`}`,
    );
  const find = () => host.connected?.view.machines.find(({ mark }) => isOf(mark, machine, host.cluster));
  return judgeConsole(find(), connected.driver, `machine "${name}"`, find, () => host.connected?.driver);
}

const isOf = (mark: Machine['mark'], { metadata }: VirtualMachine, cluster: string): boolean =>
  mark?.owner.uid === metadata.uid && mark.owner.cluster === cluster;

function judgeConsole(
  found: Machine | undefined,
  { consoles }: Driver,
  name: string,
  find: () => Machine | undefined,
  driver: () => Driver | undefined,
): Verdict {
  if (consoles === undefined) return closed('stalled', 'Unsupported', 'this host has no consoles');
  if (found === undefined || found.power.state === 'Off') return closed('stalled', 'MachineOff', `${name} is off; start it`);
  if ((found.live ?? found.configured)?.serial === false)
    return closed('stalled', 'NoSerialConsole', `${name} has no serial console; give it one with spec.devices.serial, and restart it`);
  const open = async (_asked: URLSearchParams, signal: AbortSignal) => {
    const machine = find();
    const now = driver()?.consoles;
    if (machine === undefined || now === undefined) throw new DriverError('Conflict', `${name} is not reached any more`);
    return now.open(machine.id, signal);
  };
  return { kind: 'open', service: { kind: 'line', open } };
}
