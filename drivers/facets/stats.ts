import type { MachineId } from './ids.js';

export interface Stats {
  /** Of all running machines at once; a machine that does not answer is left out rather than waited for. */
  read(signal: AbortSignal): Promise<readonly MachineStats[]>;
}

export interface MachineStats {
  readonly id: MachineId;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly disks: readonly { readonly name: string; readonly readBytes: number; readonly writtenBytes: number }[];
}
