import type { Capability } from '#drivers/driver.js';
import { type Column, isUntested, told } from './column.js';
import type { LibvirtColumn } from './matrix.js';

export const yes = 'yes';
export const notDone = 'NOT DONE';
export const untested = 'untested';
export const seenOnly = 'seen only';
export const none = '–';
export const claimed = 'claimed, not shown';

/** What differs from host to host is told as a rule, so that the page is the same wherever it is made. What a simulator says is the same everywhere. */
const hostsOwn: Readonly<Record<string, string>> = {
  accelerator: '`KVM` where a machine under it came through its firmware, else `TCG`',
  'firmware.type': '`BIOS`, and `UEFI` where the host has firmware for it',
  'cpu.count': '1 to what the machine type takes, or the host of a container has',
  'cpu.maxCount': '1 to what the machine type takes, or the host of a container has',
  'memory.maxSize': 'whole MiB, up to what the host has',
  'memory.size': 'whole MiB, up to what the host has',
};

/** What hosts of the column accept in this field, and how much of it was shown. */
export function accepted(column: Column, field: string): string {
  const found = told(column, field);
  if (found === undefined) return lacks(column, field) ? none : notDone;
  if (isUntested(column, field.split('.')[0] ?? '')) return untested;
  const { evidence } = column;
  const words = inWords(column, found);
  if (!evidence.field(field)) return words === yes ? claimed : `${claimed}: ${words}${change(found, '')}`;
  return words + change(found, evidence.live(field) ? '' : ` ${claimed}`);
}

const change = ({ change }: Capability, doubt: string): string => (change === undefined ? '' : `; ${change}${doubt}`);

/** Only QEMU has a choice of accelerators, and a block that is named after a hypervisor is of that one alone. */
function lacks({ libvirt, lacks: those = [] }: Column, field: string): boolean {
  const block = blocks[field.split('.')[0] ?? ''];
  return field === 'accelerator' || those.includes(field) || (block !== undefined && block !== libvirt);
}

const blocks: Readonly<Record<string, LibvirtColumn>> = { container: 'lxc', xen: 'libxl', vsphere: 'esx', hyperv: 'hyperv' };

function inWords({ isOneOfMany, evidence }: Column, { field, values, min, max }: Capability): string {
  const rule = hostsOwn[field];
  if (rule !== undefined && (isOneOfMany === true || isOneOfMany?.includes(field))) return rule;
  if (values !== undefined) return ofWords(values, evidence.words(field));
  if (min !== undefined || max !== undefined)
    return [min, max]
      .map((bound) => bound ?? '')
      .join(' to ')
      .replace(/^ to /, 'up to ');
  return yes;
}

/** Of a field of which no word was shown, all are equally in doubt. */
function ofWords(values: readonly string[], shown: ReadonlySet<string>): string {
  const quoted = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');
  const [known, doubtful] = [values.filter((word) => shown.has(word)), values.filter((word) => !shown.has(word))];
  return known.length === 0 || doubtful.length === 0 ? quoted(values) : `${quoted(known)}; ${claimed}: ${quoted(doubtful)}`;
}
