import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Gauges that prom-client calls by the names of counters. */
const misnamed = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** Of the process, and which program it is. */
export function describeProgram(registry: Registry, version: string): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({
    name: 'virtwright_build_info',
    help: 'Always 1: which program this is.',
    labelNames: ['version', 'nodejs'],
    registers: [registry],
  }).set({ version, nodejs: process.version }, 1);
}
