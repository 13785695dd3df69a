import type { MachineId } from './ids.js';

export interface Stats {
  /** Of all running machines at once; a machine that does not answer is left out, unless the host knows of it by itself, rather than waited for. */
  read(signal: AbortSignal): Promise<readonly MachineStats[]>;
}

/** What counts up begins anew when the machine is started. What the host does not tell is absent. */
export interface MachineStats {
  readonly id: MachineId;
  /** All that was spent on it, by its guest and by the host for it. */
  readonly cpuSeconds?: number;
  /** How much of the host's CPUs it has had of late, in cycles a second; where the host tells this instead. */
  readonly cpuHertz?: number;
  /** Its CPUs' together: for what they had asked for. */
  readonly cpuWaitSeconds?: number;
  /** Its CPUs' together: for the host's CPUs, which others had. */
  readonly cpuDelaySeconds?: number;
  readonly memory: MemoryStats;
  /** Of the disks and drives that carry a name. */
  readonly disks: readonly DiskStats[];
  /** Of the interfaces that carry a name. */
  readonly interfaces: readonly InterfaceStats[];
}

export interface MemoryStats {
  /** What the guest has now, which a balloon takes from it and gives back. */
  readonly balloonBytes: number;
  /** What the machine holds of the host's. */
  readonly residentBytes?: number;
  /** As the guest sees it: all that it can use; */
  readonly availableBytes?: number;
  /** of that, what nobody uses; */
  readonly unusedBytes?: number;
  /** and what could be had without swapping. */
  readonly usableBytes?: number;
}

export interface DiskStats {
  readonly name: string;
  readonly read: TransferStats;
  readonly written: TransferStats;
}

export interface TransferStats {
  readonly bytes: number;
  readonly operations: number;
  readonly seconds: number;
}

export interface InterfaceStats {
  readonly name: string;
  readonly received: TrafficStats;
  readonly sent: TrafficStats;
}

export interface TrafficStats {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}
