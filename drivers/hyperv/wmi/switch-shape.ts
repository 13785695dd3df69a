import type { Reference } from '../wsman/instance.js';

/** What machines are plugged into. */
export interface NetworkSwitch {
  readonly reference: Reference;
  /** Its own name, in upper case: a GUID, or what we made of one. */
  readonly id: string;
  readonly name: string;
  /** The host says that it works. */
  readonly isWell: boolean;
}

/** Where a switch leads beside the machines: a network adapter of the host's, by what Windows describes it as; and whether the host is on it. */
export interface SwitchEnds {
  readonly device?: string;
  readonly host: 'Attached' | 'Detached';
}

/** Of one switch. One that it cannot be told of leads to what we have no word for. */
export interface SwitchPorts {
  readonly ends: SwitchEnds | undefined;
  readonly outside: readonly Reference[];
  readonly inside: readonly Reference[];
  /** Of version 1, where a switch is put together: pieces of it are not joined; its adapter is, or is still to come. */
  readonly begun?: { readonly awaitsAdapter: boolean };
}
