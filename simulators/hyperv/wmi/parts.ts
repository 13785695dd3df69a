import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { Device } from '../model/device.js';
import type { Host } from '../model/host.js';
import type { Machine } from '../model/machine.js';
import { addDevice } from '../model/resources.js';
import type { MachineObjects } from './machine-objects.js';

/** Adds all of them or none; gives their InstanceIDs. @throws Refusal */
export async function addParts(host: Host, machine: Machine, given: readonly CimObject[]): Promise<readonly string[]> {
  const before = machine.devices;
  try {
    const added: string[] = [];
    for (const each of given) added.push(machine.deviceId(await addDevice(host, machine, each)));
    return added;
  } catch (reason) {
    machine.devices = before;
    throw reason;
  }
}

/** Parts as WMI shows them, by their InstanceIDs. */
export const partObjects = (shown: MachineObjects, machine: Machine, ids: readonly string[]): readonly CimObject[] =>
  shown.devices(machine).filter(({ values }) => ids.includes(String(values['InstanceID'])));

/** The part that an object is. @throws Refusal with the code */
export function existingPart(machine: Machine, of: CimObject, code: number): Device {
  const id = textOfValue(of, 'InstanceID') ?? '';
  const device = machine.device(id);
  if (device === undefined) throw new Refusal(code, `'${id}' is no part of '${machine.name}'.`);
  return device;
}

export const refusalCodes = { v1: codes.invalidParameter, v2: codes.cim.invalidParameter } as const;
