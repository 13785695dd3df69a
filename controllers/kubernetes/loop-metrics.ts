import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueObserver } from './queue.js';

/** How a pass ended, in controller-runtime's words; `stalled` is its own: nothing more is to be done until somebody changes something. */
export type Result = 'success' | 'requeue' | 'requeue_after' | 'stalled' | 'error';

/** What a loop tells beside what its queue tells. */
export interface LoopObserver extends QueueObserver {
  reconciled(result: Result, seconds: number): void;
}

/** Of loops and their queues, by name. */
export function loopMetrics(registers: Registry[], buckets: number[]): (name: string) => LoopObserver {
  const queue = queueMetrics(registers, buckets);
  const labelNames = ['controller'];
  const total = new Counter({
    name: 'virtwright_reconcile_total',
    help: 'Passes over an object, by how they ended.',
    labelNames: [...labelNames, 'result'],
    registers,
  });
  const errors = new Counter({
    name: 'virtwright_reconcile_errors_total',
    help: 'Passes that failed and are tried again.',
    labelNames,
    registers,
  });
  const time = new Histogram({ name: 'virtwright_reconcile_time_seconds', help: 'One pass.', labelNames, buckets, registers });
  return (controller) => {
    // There from the first on, so that its rate is known from the first error on.
    errors.inc({ controller }, 0);
    return {
      ...queue(controller),
      reconciled(result, seconds) {
        total.inc({ controller, result });
        if (result === 'error') errors.inc({ controller });
        time.observe({ controller }, seconds);
      },
    };
  };
}

function queueMetrics(registers: Registry[], buckets: number[]): (name: string) => QueueObserver {
  const labelNames = ['name'];
  const counter = (name: string, help: string) => new Counter({ name: `virtwright_workqueue_${name}_total`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `virtwright_workqueue_${name}_duration_seconds`, help, labelNames, buckets, registers });
  const gauge = (name: string, help: string) => new Gauge({ name: `virtwright_${name}`, help, labelNames, registers });
  const adds = counter('adds', 'Keys added.');
  const retries = counter('retries', 'Keys added again after a wait that grows.');
  const waits = histogram('queue', 'From being due to a worker taking it.');
  const work = histogram('work', 'From a worker taking a key to its leaving it.');
  const depth = gauge('workqueue_depth', 'Keys that wait for a worker.');
  const active = gauge('active_workers', 'Workers with a key in hand.');
  return (name) => {
    let waiting = 0;
    return {
      added: () => adds.inc({ name }),
      retried: () => retries.inc({ name }),
      depth(keys) {
        depth.inc({ name }, keys - waiting);
        waiting = keys;
      },
      waited(seconds) {
        waits.observe({ name }, seconds);
        active.inc({ name });
      },
      processed(seconds) {
        work.observe({ name }, seconds);
        active.dec({ name });
      },
    };
  };
}
