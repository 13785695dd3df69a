import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import type { CimObject, Values } from '../cim/object.js';
import type { Machine } from './machine.js';

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

/** @throws Refusal while a machine that is on is plugged in, as the host says it */
export function mustBeUnused(machines: Iterable<Machine>, { id, settings }: Switch): void {
  const leads = ({ values }: CimObject) =>
    [values['HostResource'] ?? [], values['Connection'] ?? []]
      .flat()
      .some((path) => typeof path === 'string' && new RegExp(`(Name|SystemName)=.?"${id}\\\\?"`, 'i').test(path));
  const user = [...machines].find(({ state, devices }) => state !== 'off' && devices.some(leads));
  if (user === undefined) return;
  const message = `The virtual switch '${settings['ElementName']}' cannot be deleted because it is being used by running virtual machines or assigned to child pools.`;
  throw new Refusal(codes.cim.invalidState, message);
}

export const switchName = ({ settings }: Switch): string => String(settings['ElementName'] ?? '');
