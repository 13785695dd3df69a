import type { MachineId } from './ids.js';

export interface Consoles {
  /**
   * The serial console of a running machine. A second opener takes it over from the first. NotFound when the machine is gone;
   * Conflict when it is Off; Invalid when it has no serial console.
   */
  open(id: MachineId, signal: AbortSignal): Promise<Console>;
}

export interface Console extends AsyncDisposable {
  /** Ends when the machine stops or another opener takes over. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Conflict when the console has ended. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}
