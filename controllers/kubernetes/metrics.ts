import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RequestReport } from './api.js';
import type { QueueObserver } from './queue.js';
import type { Restart } from './reflector.js';

/** What is to be plugged into clients, reflectors, queues and recorders. */
export interface KubernetesMetrics {
  readonly onRequest: (request: RequestReport) => void;
  readonly onRestart: (restart: Restart) => void;
  readonly onDropped: (why: 'failed' | 'limited') => void;
  queue(name: string): QueueObserver;
}

const buckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Once per registry. */
export function createMetrics(registry: Registry): KubernetesMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `virtwright_kubernetes_${name}_total`, help, labelNames, registers });
  const requests = counter('requests', 'Requests to the API server; code 0 is no answer.', ['verb', 'resource', 'code']);
  const restarts = counter('watch_restarts', 'Watches that ended, by cause.', ['resource', 'cause']);
  const dropped = counter('events_dropped', 'Events that were not written.', ['why']);
  const latency = new Histogram({
    name: 'virtwright_kubernetes_request_seconds',
    help: 'Until the answer was in; for a watch, until it began.',
    labelNames: ['verb'],
    buckets,
    registers,
  });
  return {
    onRequest({ verb, resource, code, seconds }) {
      requests.inc({ verb, resource, code });
      latency.observe({ verb }, seconds);
    },
    onRestart: ({ resource, cause }) => restarts.inc({ resource, cause }),
    onDropped: (why) => dropped.inc({ why }),
    queue: queueMetrics(registers),
  };
}

function queueMetrics(registers: Registry[]): (name: string) => QueueObserver {
  const labelNames = ['queue'];
  const adds = new Counter({ name: 'virtwright_queue_adds_total', help: 'Keys added.', labelNames, registers });
  const depth = new Gauge({ name: 'virtwright_queue_depth', help: 'Keys that wait for a worker.', labelNames, registers });
  const histogram = (name: string, help: string, more: string[]) =>
    new Histogram({ name: `virtwright_queue_${name}_seconds`, help, labelNames: [...labelNames, ...more], buckets, registers });
  const waits = histogram('wait', 'From being due to a worker taking it.', []);
  const work = histogram('work', 'One pass.', ['outcome']);
  return (queue) => ({
    added: () => adds.inc({ queue }),
    depth: (keys) => depth.set({ queue }, keys),
    waited: (seconds) => waits.observe({ queue }, seconds),
    processed: (seconds, outcome) => work.observe({ queue, outcome }, seconds),
  });
}
