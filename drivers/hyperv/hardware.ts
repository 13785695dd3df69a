import { isDeepStrictEqual } from 'node:util';
import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { comPortsDifference, connectComPorts } from './com-ports.js';
import { firmwareOf, generationFor } from './definition.js';
import { checkGeneration } from './definition-devices.js';
import { devicesOf, wishOf } from './devices.js';
import { checkRoomForDisc, wantedDrives } from './drives.js';
import type { Inventory } from './inventory.js';
import { memoryDifference, sizesNext } from './memory.js';
import { configuredOf, glanceOf, type NativeMachine, ownedOf, shapeOf } from './native.js';
import type { Next } from './notes.js';
import { discBus } from './seed-disc.js';
import { embedObject } from './wmi/class.js';
import { processor } from './wmi/classes.js';
import { generationOf } from './wmi/machine-settings.js';
import { sizesOf, sizesText } from './wmi/memory.js';

/** What of the hardware differs from what is asked. @throws DriverError Unsupported for what the machine's generation has not */
export function hardwareDifference(native: NativeMachine, definition: MachineDefinition, inventory: Inventory): Next {
  const generation = generationOf(native.settings);
  if (definition.firmware !== undefined && generationFor(definition, inventory.limits) !== generation)
    throw new DriverError(
      'Unsupported',
      `firmware.type: ${definition.firmware} was given; machine "${glanceOf(native).nativeName}" was made as generation ${generation}, which Hyper-V cannot change; accepted: ${firmwareOf(generation)}, or delete the machine and make it anew`,
    );
  const { disks, cdroms = [], interfaces } = configuredOf(native);
  const wish = wishOf(definition, { disks, cdroms, interfaces }, generation);
  checkGeneration({ ...definition, ...wish }, generation);
  if (definition.seed !== undefined) checkRoomForDisc(native, definition.seed, wantedDrives(wish), discBus(generation));
  return { ...differing(native, definition), ...differingDevices(native, definition) };
}

function differing(native: NativeMachine, definition: MachineDefinition): Next {
  const { cpuCount, secureBoot } = definition;
  const now = shapeOf(native);
  return {
    ...(cpuCount !== now.cpuCount && { cpuCount }),
    ...memoryDifference(sizesOf(native.memory), definition),
    ...comPortsDifference(native, definition.hyperv?.comPorts),
    ...(secureBoot !== undefined && secureBoot !== (now.secureBoot ?? false) && { secureBoot }),
  };
}

/** What was chosen once, be it only for the next start, is kept. */
function differingDevices(native: NativeMachine, definition: MachineDefinition): Next {
  const now = devicesOf(native.parts, ownedOf(native), native.networks);
  const { disks, cdroms = [], interfaces } = configuredOf(native);
  const wish = wishOf(definition, { disks, cdroms, interfaces }, generationOf(native.settings), glanceOf(native).power.state !== 'Off');
  return {
    ...(!isDeepStrictEqual(wish.disks, now.disks) && { disks: wish.disks }),
    ...(!isDeepStrictEqual(wish.cdroms, now.cdroms) && { cdroms: wish.cdroms }),
    ...(!isDeepStrictEqual(wish.interfaces, now.interfaces) && { interfaces: wish.interfaces }),
  };
}

/** Brings about what is about processors, memory and COM ports: in a machine that is off. What stands in the settings is `changeText`'s. */
export async function applyParts(native: NativeMachine, wish: Next, inventory: Inventory, signal: AbortSignal): Promise<void> {
  const { version } = inventory.wmi;
  const { cpuCount } = wish;
  if (cpuCount !== undefined) {
    const common = { InstanceID: native.processor.common.InstanceID, VirtualQuantity: cpuCount };
    await inventory.service.alter(native.system.reference, [embedObject(processor, { version, common })], signal);
  }
  const sizes = sizesNext(sizesOf(native.memory), wish);
  if (!isDeepStrictEqual(sizes, sizesOf(native.memory)))
    await inventory.service.alter(native.system.reference, [sizesText(native.memory, sizes)], signal);
  if (wish.comPorts !== undefined) await connectComPorts(native, wish.comPorts, inventory, signal);
}
