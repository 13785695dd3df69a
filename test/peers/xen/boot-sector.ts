/**
 * What a PC's firmware boots from a disk: says a line at its first serial port, gives back what is typed there, and powers the machine off once
 * ACPI's button was pressed. It needs no kernel. In a PC of Xen's ACPI's registers begin at port 0xb000.
 */
export function bootSector(says: string): Buffer {
  const sector = Buffer.alloc(512);
  code.copy(sector);
  sector.write(`${says}\r\n\0`, message, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** Where its line is. */
const message = 0x80;

const code = Buffer.from(
  [
    'fa31c08ed88ec08ed0bc007cfb', // no segments, and a stack
    'be807c', // the line; it lies where firmware puts a boot sector, at 0x7c00
    'ac84c07405e82600ebf6', // is said until its end
    'f4', // until the clock ticks
    'bafd03eca8017409baf803ece81400ebef', // what was typed is given back
    'ba00b0edf6c40174e5', // the button, in the status of ACPI's first event register
    'ba04b0b80020efebf7', // to sleep, as a PC sleeps for good
    '88c4bafd03eca82074f888e0baf803eec3', // says one letter, once there is room for it
  ].join(''),
  'hex',
);
