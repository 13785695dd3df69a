import { normalize } from 'node:path/posix';
import type { MachineDefinition, MachineDisk } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

export const bytesPerMiB = 1024 * 1024;

/** libvirt keeps a machine's definition in a file of its name, written anew as `<name>.xml.new`; file names have at most 255 bytes. */
export const maxNameBytes = 247;

/** What QEMU's virtio-blk shows of a serial; the rest it would cut off without a word. */
export const maxSerialBytes = 20;

/**
 * Refuses what libvirt would round, cut or misread, so that what is read back is what was asked.
 * @throws DriverError Invalid, naming the field, what was given, and what would be accepted
 */
export function checkDefinition(definition: MachineDefinition): void {
  const { nativeName, cpuCount, memoryBytes, boot, disks } = definition;
  checkName('nativeName', nativeName, maxNameBytes);
  if (!Number.isSafeInteger(cpuCount) || cpuCount < 1) refuse('cpu.count', cpuCount, 'a whole number, 1 or more');
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < bytesPerMiB || memoryBytes % bytesPerMiB !== 0)
    refuse('memory.size', `${memoryBytes} bytes`, `whole MiB (multiples of ${bytesPerMiB} bytes), 1 or more`);
  for (const [field, path] of Object.entries({ kernel: boot?.kernel, initrd: boot?.initrd }))
    if (path !== undefined) checkPath(`boot.${field}`, path);
  for (const disk of disks) checkDisk(disk);
  const twice = disks.find((disk, at) => disks.findIndex((other) => other.name === disk.name) !== at);
  if (twice !== undefined) refuse('disks', `"${twice.name}" twice`, 'every name once');
}

function checkDisk({ name, location, serial }: MachineDisk): void {
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) refuse('disks.name', `"${name}"`, 'letters, digits, "-" and "_", which a device alias can carry');
  checkPath(`disk "${name}"`, location);
  if (serial !== undefined && (!/^[a-zA-Z0-9_.+ -]+$/.test(serial) || serial.length > maxSerialBytes))
    refuse(`disk "${name}": serial`, `"${serial}"`, `1 to ${maxSerialBytes} letters, digits, blanks, ".", "+", "-" and "_"`);
}

/** Absolute, and written as it will be read back. */
export function checkPath(field: string, path: string): void {
  if (!path.startsWith('/') || normalize(path) !== path)
    refuse(field, `"${path}"`, 'an absolute path on the host, without "//", "." and ".."');
}

/** Names become names of files. */
export function checkName(field: string, name: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(name);
  const printable = [...name].every((char) => char !== '/' && char >= ' ' && char !== '\u007f');
  if (!printable || ['', '.', '..'].includes(name.trim()) || bytes > maxBytes)
    refuse(
      field,
      `${JSON.stringify(name)} (${bytes} bytes)`,
      `1 to ${maxBytes} bytes without "/" and control characters, but not "." or ".."`,
    );
}

function refuse(field: string, given: string | number, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
