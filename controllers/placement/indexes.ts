import type { VirtualMachine } from '#crds/types.js';
import type { Indexes } from '../kubernetes/store.js';

type Placeable = { readonly status?: { readonly hypervisor?: string } };

/** What has no host yet, all under one value. */
export const unplaced = { unplaced: ({ status }: Placeable): readonly string[] => (status?.hypervisor === undefined ? [everything] : []) };
export const everything = '';

/** As `namespace/key=value`. */
export const labelIn = (namespace: string, [key, value]: readonly [string, string]): string => `${namespace}/${key}=${value}`;

export const placementIndexes = {
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
