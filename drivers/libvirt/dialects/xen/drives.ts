import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { isCdrom } from '../../xml/cdrom.js';
import { refuse } from '../../xml/definition.js';
import { diskName } from '../../xml/disk.js';

/** A PC has two IDE channels of two each, by either name. What is beyond them only Xen's own drivers find, and these know no discs. */
const emulated = ['xvda', 'xvdb', 'xvdc', 'xvdd', 'hda', 'hdb', 'hdc', 'hdd'];

/** @throws DriverError Invalid for a CD-ROM drive that no guest would find */
export function mustBeEmulated(devices: XmlElement): XmlElement {
  for (const drive of elements(devices, 'disk').filter(isCdrom)) {
    const name = diskName(drive);
    if (name !== undefined && !emulated.includes(attribute(child(drive, 'target'), 'dev') ?? ''))
      refuse('disks.cdrom', name, 'drives among the first four of disks and drives, as IDE has no more');
  }
  return devices;
}
