import type { Hypervisor, StoragePoolInstance, StorageVolume, VirtualMachine, VirtualNetworkInstance } from '#crds/types.js';
import type { Published } from './capabilities.js';
import type { Usage } from './ledger.js';
import { type Need, needOf } from './need.js';
import { type Affinities, affinitiesOf, type Neighbourhood } from './neighbours.js';
import type { Objection } from './objection.js';

/** What is known of hosts, for one machine. */
export interface Candidates {
  readonly hypervisors: readonly Hypervisor[];
  /** Of the machine, those that exist. */
  readonly volumes: readonly StorageVolume[];
  /** The pool instance that a volume would have on this host, if it is not bound, or is in a shared store and can come here. */
  readonly instanceFor: (volume: StorageVolume, hypervisor: Hypervisor) => StoragePoolInstance | undefined;
  /** What a network of the machine's namespace is on this host. */
  readonly networkOn: (network: string, hypervisor: Hypervisor) => VirtualNetworkInstance | undefined;
  /** Whose MAC addresses it would have on a network of this host, each in words. */
  readonly duplicatesOn: (hypervisor: Hypervisor) => readonly string[];
  /** What it names of the host, and may not have there, each in words. */
  readonly ungrantedOn: (hypervisor: Hypervisor) => readonly string[];
  /** What is taken of a host by other machines than this one. */
  readonly usage: (hypervisor: string) => Usage;
  readonly around: Neighbourhood;
}

/** A machine that is to be placed, and all that is the same for every host it is tried on. */
export interface Request extends Candidates {
  readonly machine: VirtualMachine;
  readonly need: Need;
  readonly affinities: Affinities;
  /** What was found out of hosts that can the same, by the machine's native name there. */
  readonly fits: Map<Published, Map<string, Objection | undefined>>;
}

export const requestOf = (machine: VirtualMachine, candidates: Candidates): Request => ({
  ...candidates,
  machine,
  need: needOf(machine),
  affinities: affinitiesOf(machine, candidates.around),
  fits: new Map(),
});
