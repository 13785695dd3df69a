import { Counter, Gauge, type Registry } from 'prom-client';

export interface SessionMetrics {
  came(purpose: string): void;
  left(purpose: string): void;
  carried(purpose: string, direction: 'in' | 'out', bytes: number): void;
  turnedAway(reason: 'Certificate' | 'Slow' | 'Request'): void;
}

export function createSessionMetrics(registry: Registry): SessionMetrics {
  const registers = [registry];
  const open = new Gauge({ name: 'virtwright_sessions_open', help: 'Sessions in use now.', labelNames: ['purpose'], registers });
  const bytes = new Counter({
    name: 'virtwright_session_bytes_total',
    help: 'Bytes that sessions carried: in to a machine or volume, out of it.',
    labelNames: ['purpose', 'direction'],
    registers,
  });
  const refused = new Counter({
    name: 'virtwright_session_connections_refused_total',
    help: 'Connections that were not let in.',
    labelNames: ['reason'],
    registers,
  });
  return {
    came: (purpose) => open.inc({ purpose }),
    left: (purpose) => open.dec({ purpose }),
    carried: (purpose, direction, count) => bytes.inc({ purpose, direction }, count),
    turnedAway: (reason) => refused.inc({ reason }),
  };
}
