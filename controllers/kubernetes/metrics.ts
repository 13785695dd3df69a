import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RequestReport } from './api.js';
import { type LoopObserver, loopMetrics } from './loop-metrics.js';
import type { Restart } from './reflector.js';

/** What is to be plugged into clients, reflectors, queues, recorders and elections. */
export interface KubernetesMetrics {
  readonly onRequest: (request: RequestReport) => void;
  readonly onRestart: (restart: Restart) => void;
  readonly onDropped: (why: 'failed' | 'limited') => void;
  /** Whether this process holds the Lease of this name. */
  readonly onLease: (name: string, holds: boolean) => void;
  /** Several may have one name, as those of several hosts in one agent: they are counted together. */
  queue(name: string): LoopObserver;
}

const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Once per registry. In the word order of client-go and controller-runtime. */
export function createMetrics(registry: Registry): KubernetesMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `virtwright_${name}_total`, help, labelNames, registers });
  const requests = counter('rest_client_requests', 'Requests to the API server; code 0 is no answer.', ['verb', 'resource', 'code']);
  const restarts = counter('watch_restarts', 'Watches that ended, by cause.', ['resource', 'cause']);
  const dropped = counter('events_dropped', 'Events that were not written.', ['why']);
  const latency = new Histogram({
    name: 'virtwright_rest_client_request_duration_seconds',
    help: 'Until the answer was in; for a watch, until it began.',
    labelNames: ['verb'],
    buckets: seconds,
    registers,
  });
  const leases = new Gauge({
    name: 'virtwright_leader_election_master_status',
    help: 'Whether this process holds the Lease: 1 or 0.',
    labelNames: ['name'],
    registers,
  });
  return {
    onRequest({ verb, resource, code, seconds }) {
      requests.inc({ verb, resource, code });
      latency.observe({ verb }, seconds);
    },
    onRestart: ({ resource, cause }) => restarts.inc({ resource, cause }),
    onDropped: (why) => dropped.inc({ why }),
    onLease: (name, holds) => leases.set({ name }, holds ? 1 : 0),
    queue: loopMetrics(registers, seconds),
  };
}
