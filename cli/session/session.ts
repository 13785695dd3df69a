import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Client } from '#controllers/kubernetes/client.js';
import { type Condition, type Session, type SessionSpec, sessions } from '#crds/types.js';
import { Complaint, Failure } from '../complaint.js';
import type { Way } from './client.js';

export interface OfMachine {
  readonly namespace: string;
  readonly machine: string;
}

/** The one machine that is named. */
export function machineIn([machine, ...rest]: readonly string[]): string {
  if (machine !== undefined && rest.length === 0) return machine;
  throw new Complaint(machine === undefined ? 'name a machine' : `${rest.length + 1} machines named, one is accepted`);
}

/** A machine that is to be reached. */
export interface Wanted extends OfMachine {
  readonly purpose: Exclude<SessionSpec['purpose'], 'Upload' | 'Plan'>;
}

/** A volume that awaits its content. */
export interface WantedVolume {
  readonly namespace: string;
  readonly purpose: 'Upload';
  readonly volume: string;
}

/** A host that is asked what it would do. */
export interface WantedPlan {
  readonly namespace: string;
  readonly purpose: 'Plan';
  readonly hypervisor: string;
}

/** A session that is open to us. Disposed of, it is over. */
export interface OpenSession extends AsyncDisposable {
  readonly way: Way;
}

const patienceMs = 30_000;
const lookMs = 150;

/** Makes a session and waits until its agent opens it. Rejects with a Failure that says what hinders it. */
export async function openSession(client: Client, wanted: Wanted | WantedVolume | WantedPlan, signal: AbortSignal): Promise<OpenSession> {
  const { namespace, purpose } = wanted;
  const { about, ref } = subjectOf(wanted);
  // Loaded when it is needed: it weighs more than all the other commands.
  const { makeIdentity } = await import('#controllers/session/certificate.js');
  const identity = await makeIdentity('virtwright-client');
  const name = `${about.slice(0, 200)}-${purpose.toLowerCase()}-${randomBytes(4).toString('hex')}`;
  const spec: SessionSpec = { purpose, ...ref, certificateSHA256: identity.fingerprint };
  const made = await client.create(sessions, { metadata: { namespace, name }, spec }, signal).catch(explain(namespace));
  const { uid } = made.metadata;
  const end = () => client.delete(sessions, { namespace, name }, { uid }, AbortSignal.timeout(10_000)).catch(() => {});
  try {
    const { address, certificateSHA256 } = await untilOpen(client, { namespace, name }, signal);
    return { way: { uid, address, fingerprint: certificateSHA256, identity }, [Symbol.asyncDispose]: end };
  } catch (reason) {
    await end();
    throw reason;
  }
}

function subjectOf(wanted: Wanted | WantedVolume | WantedPlan) {
  if ('volume' in wanted) return { about: wanted.volume, ref: { volumeRef: { name: wanted.volume } } };
  if ('hypervisor' in wanted) return { about: wanted.hypervisor, ref: { hypervisorRef: { name: wanted.hypervisor } } };
  return { about: wanted.machine, ref: { machineRef: { name: wanted.machine } } };
}

/** Which of the two is missing, the right or the kind, people must know. */
const explain = (namespace: string) => (reason: unknown) => {
  if (ApiError.is(reason, 'Forbidden'))
    throw new Failure(
      `you may not make Sessions in namespace "${namespace}": ask for the right to create, get and delete sessions.virtwright.io there`,
      { cause: reason },
    );
  if (ApiError.is(reason, 'NotFound')) throw new Failure(`there is no namespace "${namespace}", or this cluster has no Virtwright in it`);
  throw reason;
};

interface Place {
  readonly address: string;
  readonly certificateSHA256: string;
}

async function untilOpen(client: Client, ref: { readonly namespace: string; readonly name: string }, signal: AbortSignal): Promise<Place> {
  const { decode } = await import('#crds/decode.js');
  let seen: Session | undefined;
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(lookMs, undefined, { signal })) {
    seen = decode('Session', await client.get(sessions, ref, signal));
    const { address, certificateSHA256 } = seen.status ?? {};
    if (is(seen, 'Ready') !== undefined && address !== undefined && certificateSHA256 !== undefined) return { address, certificateSHA256 };
    const stalled = is(seen, 'Stalled');
    if (stalled !== undefined) throw new Failure(stalled.message || stalled.reason);
  }
  const why = seen?.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
  throw new Failure(
    `no agent opened the session within ${patienceMs / 1_000} s: ${why ?? 'no controller looked at it; see that one runs'}`,
  );
}

const is = ({ status }: Session, wanted: string): Condition | undefined =>
  status?.conditions?.find(({ type, status: holds }) => type === wanted && holds === 'True');
