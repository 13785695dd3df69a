import type { MachineDefinition, XenMode } from '#drivers/driver.js';
import { withAttribute, withChild, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { refuse } from '../../xml/definition.js';

/** How libvirt has a mode written: of a paravirtualised machine it says `linux`, for whatever system is in it. */
const written: Readonly<Record<XenMode, { readonly osType: string; readonly machine: string }>> = {
  PVH: { osType: 'xenpvh', machine: 'xenpvh' },
  PV: { osType: 'linux', machine: 'xenpv' },
  HVM: { osType: 'hvm', machine: 'xenfv' },
};

/** The best first: PVH is as quick as PV, and its memory is kept apart by the CPU. */
export const xenModes = Object.keys(written) as readonly XenMode[];

export const machineOf = (mode: XenMode): string => written[mode].machine;

export function readMode(domain: XmlElement): XenMode | undefined {
  const type = child(domain, 'os', 'type');
  const machine = attribute(type, 'machine');
  return xenModes.find((mode) => (machine === undefined ? written[mode].osType === textOf(type) : written[mode].machine === machine));
}

export const newOs = (mode: XenMode, architecture: string): XmlElement =>
  element('os', {}, element('type', { arch: architecture, machine: written[mode].machine }, written[mode].osType));

/** A mode that nobody speaks of stays. A PC's disks begin with a boot loader, and what is beside it is another, too: it is made as one. */
export function withMode(domain: XmlElement, { xen }: MachineDefinition): XmlElement {
  const has = readMode(domain);
  if (xen === undefined || has === xen.mode) return domain;
  if (has === 'HVM') refuse('xen.mode', xen.mode, 'HVM, which the machine was made with');
  if (xen.mode === 'HVM') refuse('xen.mode', xen.mode, `PVH, PV, as the machine was made with ${has}`);
  const { osType, machine } = written[xen.mode];
  return withChild(domain, element('os'), (os) =>
    withChild(os, element('type'), (type) => withAttribute(withText(type, osType), 'machine', machine)),
  );
}
