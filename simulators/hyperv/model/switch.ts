import { randomUUID } from 'node:crypto';
import type { CimObject, Values } from '../cim/object.js';

/** A network card of the host. */
export interface Adapter {
  readonly id: string;
  readonly name: string;
  /** 12 digits. */
  readonly mac: string;
}

/** What machines are plugged into. */
export interface Switch {
  readonly id: string;
  settings: Values;
  /** 5 is well, 25 not: then nothing goes through it. */
  health: '5' | '25';
  /** Setting data of its own ports: to the host, to a card. */
  ports: readonly (CimObject & { readonly suffix: string })[];
}

export const newSwitch = (settings: Values, ports: Switch['ports'] = []): Switch => ({
  id: randomUUID().toUpperCase(),
  settings,
  health: '5',
  ports,
});

export const switchName = ({ settings }: Switch): string => String(settings['ElementName'] ?? '');
