import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connect } from '#drivers/target.js';

export interface DriverMetrics {
  /** Counts and times the tries to connect, and every call on the drivers that are connected through it. */
  metered(connect: Connect, hypervisor: string): Connect;
}

type Observe = (facet: string, verb: string, code: string, seconds: number) => void;

export function createDriverMetrics(registry: Registry): DriverMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'virtwright_driver_calls_total',
    help: 'Calls on a driver, by facet, verb and code of the error (OK when there was none).',
    labelNames: ['hypervisor', 'facet', 'verb', 'code'],
    registers,
  });
  // A verb and a code of each host, in every bucket, would be thousands of series a host.
  const durations = new Histogram({
    name: 'virtwright_driver_call_duration_seconds',
    help: 'Calls on a driver, however they ended.',
    labelNames: ['hypervisor', 'facet'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const connections = connectionMetrics(registers);
  return {
    metered(connect, hypervisor) {
      const connected = connections(hypervisor);
      return async (target, signal) =>
        meteredDriver(await connected(connect(target, signal)), (facet, verb, code, seconds) => {
          calls.inc({ hypervisor, facet, verb, code });
          durations.observe({ hypervisor, facet }, seconds);
        });
    },
  };
}

function connectionMetrics(registers: Registry[]): (hypervisor: string) => (connecting: Promise<Driver>) => Promise<Driver> {
  const tries = new Counter({
    name: 'virtwright_hypervisor_connections_total',
    help: 'Tries to connect to a host, by code of the error (OK when there was none).',
    labelNames: ['hypervisor', 'code'],
    registers,
  });
  const open = new Gauge({
    name: 'virtwright_hypervisor_connected',
    help: 'Whether there is a connection to the host: 1 or 0.',
    labelNames: ['hypervisor'],
    registers,
  });
  return (hypervisor) => {
    open.inc({ hypervisor }, 0);
    return async (connecting) => {
      const driver = await connecting.catch((reason) => {
        tries.inc({ hypervisor, code: codeOf(reason) });
        throw reason;
      });
      tries.inc({ hypervisor, code: 'OK' });
      open.inc({ hypervisor });
      driver.closed.then(() => open.dec({ hypervisor }));
      return driver;
    };
  };
}

function meteredDriver(driver: Driver, observe: Observe): Driver {
  // The same at each look, as the driver's own are: who looks again sees that it is the host from before.
  const facets = new Map<string, object>();
  return new Proxy(driver, {
    get(target, property) {
      const facet = Reflect.get(target, property, target) as unknown;
      if (typeof facet === 'function') return facet.bind(target);
      if (typeof property !== 'string' || typeof facet !== 'object' || facet === null || facet instanceof Promise) return facet;
      const metered = facets.get(property) ?? meteredFacet(facet, property, observe);
      facets.set(property, metered);
      return metered;
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
    (reason) => observe(codeOf(reason), seconds()),
  );
}

const codeOf = (reason: unknown): string => (reason instanceof DriverError ? reason.code : 'Internal');
