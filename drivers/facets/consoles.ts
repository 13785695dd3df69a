import type { MachineId } from './ids.js';

export interface Consoles {
  /**
   * The serial console of a running machine. A second opener takes it over from the first. NotFound when the machine is gone;
   * Conflict when it is Off; Invalid when it has no serial console.
   */
  open(id: MachineId, signal: AbortSignal): Promise<Console>;
  /**
   * The server of a running machine's graphics, in its own protocol: a viewer of `MachineGraphics.type` speaks at the other end, password and
   * all. How many there may be at once is the server's to say. NotFound when the machine is gone; Conflict when it is Off; Invalid when it has
   * no graphics; Unavailable when the server is not reached from here.
   */
  graphics(id: MachineId, signal: AbortSignal): Promise<Console>;
  /** What a running machine's first screen shows. NotFound when it is gone; Conflict when it is Off; Invalid when it has no screen. */
  screenshot(id: MachineId, signal: AbortSignal): Promise<Screenshot>;
}

export interface Screenshot {
  readonly mediaType: 'image/png';
  readonly bytes: Uint8Array;
}

export interface Console extends AsyncDisposable {
  /** Ends when the machine stops or another opener takes over. To be read once. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Conflict when the console has ended. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}
