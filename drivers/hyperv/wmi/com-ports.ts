import type { ComPortName } from '#drivers/driver.js';
import { embedObject, type ObjectOf } from './class.js';
import { type resource, serialPort } from './classes.js';
import { resourceTypes } from './part.js';
import type { Wmi } from './wmi.js';

/** A COM port of a machine, and the pipe of the host's that it ends in: empty where it ends nowhere. */
export interface ComPort {
  readonly instanceId: string;
  readonly name: ComPortName;
  readonly pipe: string;
}

type Part = ObjectOf<typeof serialPort> | ObjectOf<typeof resource>;

/** Of one machine, in their order; others may be among the parts. */
export function comPortsOf(parts: readonly Part[]): readonly ComPort[] {
  const found = parts.flatMap((part) => {
    const { InstanceID: instanceId, ElementName = '', ResourceType, Connection } = part.common;
    const number = /^COM ?([12])$/.exec(ElementName)?.[1];
    if (number === undefined || ResourceType !== resourceTypes[part.version].serial) return [];
    return [{ instanceId, name: `COM${number}` as ComPortName, pipe: Connection[0] ?? '' }];
  });
  return found.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** The port, ending in another pipe, or nowhere. */
export const connectedTo = ({ version }: Wmi, { instanceId }: ComPort, pipe: string): string =>
  embedObject(serialPort, { version, common: { InstanceID: instanceId, Connection: [pipe] } });
