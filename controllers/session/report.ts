import type { Session, SessionStatus } from '#crds/types.js';
import { conditions, readiness, type Standing, timestamp } from '../conditions.js';

/** Where a session is opened. */
export interface Open {
  readonly address: string;
  readonly certificateSHA256: string;
}

/** How long one may wait to be used, or for what hinders it. */
const lifeMs = 120_000;

/** From when nobody comes in by it any more, by the clock of who first looked at it; that clock may be another than the API server's. */
export const expiryOf = ({ status }: Session, now: number): number =>
  status?.expiresAt === undefined ? now + lifeMs : Date.parse(status.expiresAt);

/** Pure. `open` is given once the client may connect. */
export function reportSession(session: Session, stands: Standing, open: Open | undefined, now: number): SessionStatus {
  const { metadata, status: before } = session;
  return {
    observedGeneration: metadata.generation,
    ...(before?.hypervisor === undefined ? {} : { hypervisor: before.hypervisor }),
    ...open,
    expiresAt: timestamp(expiryOf(session, now)),
    conditions: conditions(before?.conditions, metadata.generation, now, readiness(stands)),
  };
}
