import { Counter, Histogram, type Registry } from 'prom-client';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connect } from '#drivers/target.js';
import { createMetrics as createKubernetesMetrics, type KubernetesMetrics } from './kubernetes/metrics.js';
import { createSessionMetrics, type SessionMetrics } from './session/metrics.js';
import { createFillMetrics, type FillMetrics } from './storage-volume/metrics.js';

export interface Metrics extends KubernetesMetrics {
  readonly registry: Registry;
  readonly sessions: SessionMetrics;
  readonly fills: FillMetrics;
  acted(kind: string, action: string): void;
  /** Counts and times every call on the drivers that are connected through it. */
  metered(connect: Connect, hypervisor: string): Connect;
}

export function createMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const acts = new Counter({
    name: 'virtwright_acts_total',
    help: 'Acts by kind of object and action.',
    labelNames: ['kind', 'action'],
    registers,
  });
  const calls = new Histogram({
    name: 'virtwright_driver_call_duration_seconds',
    help: 'Calls on a driver, by facet, verb and code of the error (OK when there was none).',
    labelNames: ['hypervisor', 'facet', 'verb', 'code'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  return {
    ...createKubernetesMetrics(registry),
    registry,
    sessions: createSessionMetrics(registry),
    fills: createFillMetrics(registry),
    acted: (kind, action) => acts.inc({ kind, action }),
    metered: (connect, hypervisor) => async (target, signal) =>
      meteredDriver(await connect(target, signal), (facet, verb, code, seconds) =>
        calls.observe({ hypervisor, facet, verb, code }, seconds),
      ),
  };
}

type Observe = (facet: string, verb: string, code: string, seconds: number) => void;

function meteredDriver(driver: Driver, observe: Observe): Driver {
  return new Proxy(driver, {
    get(target, property) {
      const facet = Reflect.get(target, property, target) as unknown;
      if (typeof facet === 'function') return facet.bind(target);
      if (typeof property !== 'string' || typeof facet !== 'object' || facet === null || facet instanceof Promise) return facet;
      return meteredFacet(facet, property, observe);
    },
  });
}

function meteredFacet(facet: object, name: string, observe: Observe): object {
  return new Proxy(facet, {
    get(target, verb) {
      const method = Reflect.get(target, verb, target) as unknown;
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(method, target, args);
        if (result instanceof Promise) timed(result, (code, seconds) => observe(name, String(verb), code, seconds));
        return result;
      };
    },
  });
}

function timed(result: Promise<unknown>, observe: (code: string, seconds: number) => void): void {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1_000;
  result.then(
    () => observe('OK', seconds()),
    (reason) => observe(reason instanceof DriverError ? reason.code : 'Internal', seconds()),
  );
}
