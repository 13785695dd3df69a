import type { MachineDefinition } from '#drivers/driver.js';
import { checkDefinition, refuse } from '../../xml/definition.js';
import { sourceType } from '../../xml/disk-source.js';

/** What libvirt's driver would refuse only when the machine is started, or never notice. */
export function checkBhyve(definition: MachineDefinition): void {
  checkDefinition(definition);
  const { disks, cdroms = [], graphics } = definition;
  for (const { name, location } of disks)
    if (sourceType(location) !== 'file') refuse(`disk "${name}": location`, location, 'a file, as bhyve takes nothing else');
  for (const { name, location } of cdroms)
    if (location === undefined) refuse(`disk "${name}": cdrom`, 'an empty tray', 'one with a disc in it, as bhyve has no empty drives');
  if (graphics?.password?.includes(',') === true) refuse('devices.graphics.password', 'one with a comma', 'one without');
}
