import type { Mark } from './mark.js';
import type { MachineDefinition } from './shape.js';

/** What would be sent, without sending it. */
export interface Drafts {
  /**
   * What `Machines.define` would have the host take, as its own writer writes it; refused as `define` refuses it. Nothing on the host changes.
   * Passwords are `***`, also those that others have written.
   */
  machine(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<Draft>;
}

export interface Draft {
  readonly format: 'XML' | 'JSON';
  readonly text: string;
  /** The host has this machine, and this is how it would be. */
  readonly exists: boolean;
  /** Nothing would be written: it is so already. */
  readonly unchanged: boolean;
}
