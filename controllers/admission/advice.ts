import { decode } from '#crds/decode.js';
import type { Kinds } from '#crds/types.js';
import { adviseHypervisor, adviseNetwork, advisePool } from './host-advice.js';
import type { Known } from './known.js';
import { adviseMachine } from './machine-advice.js';
import { adviseVolume } from './volume-advice.js';

/** What is told to whoever writes an object, before it is stored. */
export interface Advice {
  /** What it waits for, or will not get: each by its field, with what is and what would be accepted. */
  readonly warnings: readonly string[];
  /** Why it can never become true. All else is let in, so that a folder is applied in any order. */
  readonly refusal?: string;
}

type Advisers = { readonly [K in keyof Kinds]?: (object: Kinds[K], known: Known) => Advice };

const advisers: Advisers = {
  VirtualMachine: adviseMachine,
  StorageVolume: adviseVolume,
  StoragePool: (pool, known) => ({ warnings: advisePool(pool, known) }),
  VirtualNetwork: (network, known) => ({ warnings: adviseNetwork(network, known) }),
  Hypervisor: (hypervisor, known) => ({ warnings: adviseHypervisor(hypervisor, known) }),
  VirtualMachineAction: ({ metadata, spec }, { machines }) => {
    const { name } = spec.machineRef;
    const isThere = machines.get(`${metadata.namespace}/${name}`) !== undefined;
    return { warnings: isThere ? [] : [`spec.machineRef: there is no VirtualMachine "${name}": the action fails`] };
  },
};

const nothing: Advice = { warnings: [] };

/** An API server cuts what is longer, and drops what is too much. */
const [longest, most] = [256, 10];

/** Pure. What is no object of ours, or not of its form, is the API server's to judge. */
export function advise(kind: string, raw: unknown, known: Known): Advice {
  const { warnings, ...rest } = isAdvised(kind) ? advised(kind, raw, known) : nothing;
  const kept = warnings.length > most ? [...warnings.slice(0, most - 1), `and ${warnings.length - most + 1} more`] : warnings;
  return { ...rest, warnings: kept.map((text) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text)) };
}

const isAdvised = (kind: string): kind is keyof Kinds => Object.hasOwn(advisers, kind);

function advised<K extends keyof Kinds>(kind: K, raw: unknown, known: Known): Advice {
  const adviser = advisers[kind];
  try {
    return adviser?.(decode(kind, stored(raw)), known) ?? nothing;
  } catch (reason) {
    if (reason instanceof Error && reason.name === 'DecodeError') return nothing;
    throw reason;
  }
}

/** What comes has no version yet. */
function stored(raw: unknown): unknown {
  const { metadata, ...rest } = (typeof raw === 'object' && raw !== null ? structuredClone(raw) : {}) as { readonly metadata?: object };
  return { ...rest, metadata: { uid: '', resourceVersion: '', generation: 0, creationTimestamp: '', ...metadata } };
}
