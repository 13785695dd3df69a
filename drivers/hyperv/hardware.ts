import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { firmwareOf, generationFor } from './definition.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine, shapeOf } from './native.js';
import type { Next } from './notes.js';
import { embedObject } from './wmi/class.js';
import { memory, processor } from './wmi/classes.js';
import { generationOf } from './wmi/machine-settings.js';

/** What of the hardware differs from what is asked. @throws DriverError Unsupported for another firmware */
export function hardwareDifference(native: NativeMachine, definition: MachineDefinition, inventory: Inventory): Next {
  const generation = generationOf(native.settings);
  if (definition.firmware !== undefined && generationFor(definition, inventory.limits) !== generation)
    throw new DriverError(
      'Unsupported',
      `firmware.type: ${definition.firmware} was given; machine "${glanceOf(native).nativeName}" was made as generation ${generation}, which Hyper-V cannot change; accepted: ${firmwareOf(generation)}, or delete the machine and make it anew`,
    );
  return differing(native, definition);
}

function differing(native: NativeMachine, { cpuCount, memoryBytes, secureBoot }: MachineDefinition): Next {
  const now = shapeOf(native);
  return {
    ...(cpuCount !== now.cpuCount && { cpuCount }),
    ...(memoryBytes !== now.memoryBytes && { memoryBytes }),
    ...(secureBoot !== undefined && secureBoot !== (now.secureBoot ?? false) && { secureBoot }),
  };
}

/** Brings about what is about parts: in a machine that is off. What stands in the settings is `changeText`'s. */
export async function applyParts(
  native: NativeMachine,
  { cpuCount, memoryBytes }: Next,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const { version } = inventory.wmi;
  if (cpuCount !== undefined) {
    const common = { InstanceID: native.processor.common.InstanceID, VirtualQuantity: cpuCount };
    await inventory.service.alter(native.system.reference, [embedObject(processor, { version, common })], signal);
  }
  if (memoryBytes !== undefined) {
    const quantity = memoryBytes / 2 ** 20;
    // Of memory that is not dynamic these three are one.
    const common = { InstanceID: native.memory.common.InstanceID, VirtualQuantity: quantity, Reservation: quantity, Limit: quantity };
    await inventory.service.alter(native.system.reference, [embedObject(memory, { version, common })], signal);
  }
}
