import type { MachineDefinition, Mark } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { withBootOrder } from '../../xml/boot-order.js';
import { withGuestAgent } from '../../xml/channel.js';
import { checkDefinition } from '../../xml/definition.js';
import { withDisks } from '../../xml/disk.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withFirmware } from '../../xml/firmware.js';
import { withGraphics } from '../../xml/graphics.js';
import { withInterfaces } from '../../xml/interface.js';
import { withKernelBoot } from '../../xml/kernel-boot.js';
import { withRng } from '../../xml/rng.js';
import { withSeed } from '../../xml/seed.js';
import { withSerial, withSerialLog } from '../../xml/serial.js';
import { withShares } from '../../xml/shares.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import { withTpm } from '../../xml/tpm.js';

const edits: readonly Edit[] = [
  withCpuCount,
  withShares,
  withMemory,
  inOs(withFirmware),
  inOs((os, { boot }) => withKernelBoot(os, boot)),
  inDevices((devices, { disks, cdroms }) => withDisks(devices, disks, cdroms)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid)),
  inDevices((devices, { tpm }) => withTpm(devices, tpm)),
  inDevices((devices, { graphics }) => withGraphics(devices, graphics)),
  inDevices((devices, { serial }) => withSerial(devices, serial)),
  inDevices((devices, { serialLog }) => withSerialLog(devices, serialLog)),
  inDevices((devices, { rng }) => withRng(devices, rng)),
  inDevices((devices, { guestAgent = false }) => withGuestAgent(devices, guestAgent)),
  (domain, { seed }) => withSeed(domain, seed),
  (domain, { bootOrder }) => withBootOrder(domain, bootOrder),
];

/** @throws DriverError Invalid when the definition cannot be said exactly */
export function editDomain(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkDefinition(definition);
  return edited(domain, definition, mark, edits);
}
