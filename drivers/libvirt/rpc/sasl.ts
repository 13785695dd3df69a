import { DriverError } from '#drivers/error.js';
import { authSaslInit, authSaslStart, authSaslStep } from './procedures.js';
import { type Login, type Mechanism, mechanisms, Scram, ScramError } from './scram.js';
import type { Session } from './session.js';

/** Messages in which a daemon may have us go on, where SCRAM needs two. */
const mostSteps = 4;

/** Says who we are, by a password that is not sent, and sees that the daemon knows it, too. Rejects with Denied, and what to do. */
export async function authenticate(session: Session, peer: string, login: Login | undefined): Promise<void> {
  if (login === undefined)
    throw denied(peer, 'the daemon wants a user and a password: put them into keys "username" and "password" of the Secret');
  const mechanism = choose(peer, await session.call(authSaslInit, undefined));
  const scram = new Scram(mechanism, login);
  try {
    await exchange(session, scram, mechanism);
  } catch (reason) {
    throw explain(peer, reason);
  }
}

async function exchange(session: Session, scram: Scram, mechanism: Mechanism): Promise<void> {
  let { complete, data } = await session.call(authSaslStart, { mechanism, data: Buffer.from(scram.first()) });
  for (let step = 0; step < mostSteps && data !== undefined; step += 1) {
    const answer = await scram.next(data.toString('utf8'));
    if (complete && answer === undefined) return;
    const words = answer === undefined ? {} : { data: Buffer.from(answer) };
    ({ complete, data } = await session.call(authSaslStep, words));
    if (complete && scram.isVerified) return;
  }
  throw new ScramError('the host ends before it has proven that it knows the password');
}

function choose(peer: string, offered: string): Mechanism {
  const names = offered.split(/[ ,]+/).filter(Boolean);
  const mechanism = (Object.keys(mechanisms) as Mechanism[]).find((each) => names.includes(each));
  const accepted = Object.keys(mechanisms).join(' or ');
  return (
    mechanism ??
    refuse(
      peer,
      `the daemon offers ${names.join(', ').slice(0, 200) || 'nothing'} to authenticate by; accepted: ${accepted} (mech_list in /etc/sasl2/libvirt.conf), which libvirt offers by TLS and on its sockets`,
    )
  );
}

function explain(peer: string, reason: unknown): DriverError {
  if (reason instanceof ScramError) return denied(peer, `${reason.message}; see who answers there, and what the password is`, reason);
  if (!(reason instanceof DriverError) || reason.code !== 'Denied') return DriverError.from(reason);
  const remedy = 'check "username" and "password" in the Secret, and the user on the host ("saslpasswd2 -a libvirt")';
  return denied(peer, `the daemon does not take the password: ${remedy}`, reason);
}

const denied = (peer: string, why: string, cause?: unknown): DriverError => new DriverError('Denied', `${peer}: ${why}`, { cause });

function refuse(peer: string, why: string): never {
  throw denied(peer, why);
}
