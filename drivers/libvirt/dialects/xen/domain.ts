import type { MachineDefinition, Mark, XenMode } from '#drivers/driver.js';
import { append } from '#drivers/xml/edit.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { editDomain } from './edit.js';
import { newOs } from './mode.js';

/** What of the host's offer a new machine is built on. */
export interface DomainBase {
  readonly mode: XenMode;
  readonly architecture: string;
  /** Of HVM. */
  readonly emulator?: string;
}

/** A new domain: the skeleton that no definition speaks of, then everything that an edit would set. */
export function createDomain(definition: MachineDefinition, mark: Mark, base: DomainBase): XmlElement {
  const { uuid, nativeName, xen = base } = definition;
  const isPc = xen.mode === 'HVM';
  const os = newOs(xen.mode, base.architecture);
  const skeleton = element(
    'domain',
    { type: 'xen' },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    isPc ? append(os, ...tried) : os,
    isPc ? element('features', {}, element('acpi'), element('apic')) : undefined,
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    element('devices', {}, isPc && base.emulator !== undefined ? element('emulator', {}, base.emulator) : undefined),
  );
  return editDomain(skeleton, definition, mark);
}

/** What its firmware tries: the first disk, then discs. */
const tried: readonly XmlElement[] = ['hd', 'cdrom'].map((dev) => element('boot', { dev }));
