import type { Hypervisor } from '#crds/types.js';
import { matches } from './namespaces.js';

interface Selecting {
  readonly spec: { readonly hypervisorSelector?: { readonly matchLabels: Readonly<Record<string, string>> } };
}

/** Whether a host is to have the pool or the network. */
export const isSelected = ({ spec }: Selecting, { metadata }: Hypervisor): boolean =>
  metadata.deletionTimestamp === undefined &&
  (spec.hypervisorSelector === undefined || matches(metadata.labels, spec.hypervisorSelector.matchLabels));
