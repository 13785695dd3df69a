import { Counter, type Registry } from 'prom-client';
import { createDriverMetrics, type DriverMetrics } from './driver-metrics.js';
import { createMetrics as createKubernetesMetrics, type KubernetesMetrics } from './kubernetes/metrics.js';
import { type ClusterMetrics, createClusterMetrics } from './observability/cluster-metrics.js';
import { type CredentialMetrics, createCredentialMetrics } from './observability/credential-metrics.js';
import { createHostMetrics, type HostMetrics } from './observability/host-metrics.js';
import { createSessionMetrics, type SessionMetrics } from './session/metrics.js';
import { createFillMetrics, type FillMetrics } from './storage-volume/metrics.js';

export interface Metrics extends KubernetesMetrics, DriverMetrics, CredentialMetrics {
  readonly registry: Registry;
  readonly sessions: SessionMetrics;
  readonly fills: FillMetrics;
  readonly hosts: HostMetrics;
  readonly cluster: ClusterMetrics;
  acted(kind: string, action: string): void;
  /** The act was on an object that had been as declared, and nobody has declared anything else since. */
  drifted(kind: string, action: string): void;
}

export function createMetrics(registry: Registry): Metrics {
  const counter = (name: string, help: string) =>
    new Counter({ name: `virtwright_${name}_total`, help, labelNames: ['kind', 'action'], registers: [registry] });
  const acts = counter('acts', 'Acts by kind of object and action.');
  const drifts = counter(
    'drift_corrections',
    'Acts on objects that had been as declared, with the same spec still: on what a hand, a guest or what they refer to has changed.',
  );
  return {
    ...createKubernetesMetrics(registry),
    ...createDriverMetrics(registry),
    ...createCredentialMetrics(registry),
    registry,
    sessions: createSessionMetrics(registry),
    fills: createFillMetrics(registry),
    hosts: createHostMetrics(registry),
    cluster: createClusterMetrics(registry),
    acted: (kind, action) => acts.inc({ kind, action }),
    drifted: (kind, action) => drifts.inc({ kind, action }),
  };
}
