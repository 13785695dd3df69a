import { readFileSync } from 'node:fs';

/** libvirt's drivers, as its own matrix calls them. */
export type LibvirtColumn = 'qemu' | 'lxc' | 'libxl' | 'esx' | 'hyperv' | 'vz' | 'bhyve' | 'vbox' | 'ch' | 'test';

interface Matrix {
  readonly source: string;
  /** By call, since which version each driver has it. */
  readonly rows: Readonly<Record<string, Readonly<Partial<Record<LibvirtColumn, string>>>>>;
}

/** What libvirt says that its drivers can be asked: facts of its own, and the measure of what is not done here. */
export const matrix: Matrix = JSON.parse(readFileSync(new URL('../../../test/capabilities/libvirt-support.json', import.meta.url), 'utf8'));

export const isInLibvirt = (row: string, column: LibvirtColumn): boolean => matrix.rows[row]?.[column] !== undefined;
