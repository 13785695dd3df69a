import { isDeepStrictEqual } from 'node:util';
import type { ComPortName } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { identityOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';
import type { Next } from './notes.js';
import { ownPorts, pipeFor } from './pipes.js';
import { connectedTo } from './wmi/com-ports.js';

/** Where others than those asked for end in a pipe of ours. */
export function comPortsDifference({ settings, parts }: NativeMachine, asked: readonly ComPortName[] = []): Pick<Next, 'comPorts'> {
  return isDeepStrictEqual(ownPorts(parts, identityOf(settings)), asked) ? {} : { comPorts: asked };
}

/** Of a machine that is off. What others connected stays, unless that port is asked for. @throws DriverError Unsupported */
export async function connectComPorts(
  native: NativeMachine,
  asked: readonly ComPortName[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const { comPorts } = native.parts;
  const missing = asked.find((name) => !comPorts.some((port) => port.name === name));
  if (missing !== undefined)
    throw new DriverError(
      'Unsupported',
      `hyperv.comPorts: ${missing} was given; the host shows no such port of machine "${glanceOf(native).nativeName}"`,
    );
  const uuid = identityOf(native.settings);
  const changed = comPorts.flatMap((port) => {
    const ours = pipeFor(uuid, port.name);
    const wish = asked.includes(port.name) ? ours : '';
    const isOurs = port.pipe.toLowerCase() === ours;
    const isAsItIs = wish === '' ? !isOurs : isOurs;
    return isAsItIs ? [] : [connectedTo(wmi, port, wish)];
  });
  if (changed.length > 0) await service.alter(native.system.reference, changed, signal);
}
