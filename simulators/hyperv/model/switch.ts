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
  /** Setting data of its own ports: to the host, to a card. */
  ports: readonly (CimObject & { readonly suffix: string })[];
}

export const newSwitch = (settings: Values, ports: Switch['ports'] = []): Switch => ({ id: randomUUID().toUpperCase(), settings, ports });

export const switchName = ({ settings }: Switch): string => String(settings['ElementName'] ?? '');
