import type { Firmware } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { refuse } from '../xml/definition.js';
import { readFirmware } from '../xml/firmware.js';

/** Where a machine keeps the firmware that it was made with. */
export function keptFirmware(os: XmlElement, wanted: Firmware | undefined): XmlElement {
  const has = readFirmware(os);
  if (wanted !== undefined && wanted !== has) refuse('firmware.type', wanted, `${has}, which the machine was made with`);
  return os;
}
