import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { editDomain } from './edit.js';

/** What of the host's offer a new machine is built on: the host's best, chosen once. */
export interface DomainBase {
  readonly domainType: 'kvm' | 'qemu' | 'test';
  readonly architecture: string;
  /** Canonical, so that it stays what it is when the host's QEMU is upgraded. */
  readonly machine: string | undefined;
  readonly emulator: string | undefined;
  /** libvirt's CPU mode, or absent for the emulator's own default. */
  readonly cpuMode: string | undefined;
}

/** A new domain: the skeleton that no definition speaks of, then everything that an edit would set. */
export function createDomain(definition: MachineDefinition, mark: Mark, base: DomainBase): XmlElement {
  return editDomain(skeleton(definition, base), definition, mark);
}

function skeleton({ uuid, nativeName }: MachineDefinition, base: DomainBase): XmlElement {
  return element(
    'domain',
    { type: base.domainType },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    element('os', {}, element('type', { arch: base.architecture, machine: base.machine }, 'hvm')),
    element('features', {}, element('acpi'), element('apic')),
    base.cpuMode === undefined ? undefined : element('cpu', { mode: base.cpuMode }),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    element('devices', {}, base.emulator === undefined ? undefined : element('emulator', {}, base.emulator)),
  );
}
