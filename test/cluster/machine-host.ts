import type { Connect, Drivers } from '#drivers/target.js';

export interface Manifest {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: object;
  readonly spec?: object;
}

/** A host that the suite of machines runs on, and a hand at it that the operator knows nothing of. Machines by uuid. */
export interface MachineHost extends AsyncDisposable {
  readonly connect: Connect;
  readonly credentialKeys: Drivers['credentialKeys'];
  /** Whether it says that it can do something about that field. */
  has(field: string): boolean;
  /** How it is looked at. What a host tells nobody of is found by looks, and nobody waits ten seconds for one here. */
  readonly pace: { readonly glanceMs: number };
  /** The Hypervisor of that name, and what lets us in. */
  hypervisor(name: string): readonly Manifest[];
  /** A pool in a folder of its own. */
  pool(name: 'fast' | 'slow'): Manifest;
  /** What changed something on the host since `forget`, and how often its machines were read. */
  readonly acts: readonly string[];
  readonly reads: number;
  /** Whatever it was asked. */
  readonly asked: readonly string[];
  forget(): void;
  /** Breaks all connections; resolves once the host is looked at again, which is some questions after there is a connection. */
  disconnect(): Promise<void>;
  cut(uuid: string): void;
  pauseAndResume(uuid: string): void;
  setCpus(uuid: string, count: number): void;
  slowReads(ms: number): void;
  /** Where it can be had: a machine that is there, and cannot be read. */
  unreadable?(uuid: string): void;
  readonly machines: readonly { readonly nativeName: string; readonly cpuCount: number; readonly memoryBytes: number }[];
  /** What lies in the folder of a pool. */
  files(pool: 'fast' | 'slow'): Promise<readonly string[]>;
}
