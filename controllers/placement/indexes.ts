import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import type { Indexes } from '../kubernetes/store.js';

export const everything = '';

/** Of volumes. Those that have no host yet are all under one value. */
export const volumeIndexes = {
  unplaced: ({ status }) => (status?.hypervisor === undefined ? [everything] : []),
  host: ({ status }) => (status?.hypervisor === undefined ? [] : [status.hypervisor]),
} satisfies Indexes<StorageVolume>;

/** It is to leave its host, or would if another could take it. */
const isKeptBack = ({ status }: VirtualMachine): boolean => status?.evacuation !== undefined && status.evacuation.leftAt === undefined;

/** As `namespace/key=value`. */
export const labelIn = (namespace: string, [key, value]: readonly [string, string]): string => `${namespace}/${key}=${value}`;

export const placementIndexes = {
  unplaced: (machine) => (machine.status?.hypervisor === undefined || isKeptBack(machine) ? [everything] : []),
  host: ({ status }) => (status?.hypervisor === undefined ? [] : [status.hypervisor]),
  label: ({ metadata }) => Object.entries(metadata.labels ?? {}).map((label) => labelIn(metadata.namespace, label)),
  /** One label of each term of antiAffinity: who has not even that is not meant by it. */
  shuns: ({ metadata, spec }) =>
    (spec.placement?.antiAffinity ?? []).flatMap(({ selector }) =>
      Object.entries(selector.matchLabels)
        .slice(0, 1)
        .map((label) => labelIn(metadata.namespace, label)),
    ),
} satisfies Indexes<VirtualMachine>;
