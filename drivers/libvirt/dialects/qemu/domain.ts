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

/** Free, beside those that its first devices take: each takes one that is plugged in while the machine runs. */
const spareRootPorts = 8;

/** USB, balloon, random numbers, and the port to an agent: these take one each without being disks or interfaces. */
const furtherDevices = 4;

/** A q35 has as many as its devices need when it is made, and none can be added while it runs. */
function rootPorts({ disks, interfaces }: MachineDefinition, { machine = '' }: DomainBase): readonly XmlElement[] {
  if (!machine.includes('q35')) return [];
  const count = spareRootPorts + furtherDevices + disks.length + interfaces.length;
  const port = (index: number) => element('controller', { type: 'pci', index: `${index}`, model: 'pcie-root-port' });
  return [
    element('controller', { type: 'pci', index: '0', model: 'pcie-root' }),
    ...Array.from({ length: count }, (_, at) => port(at + 1)),
  ];
}

const memoryLookSeconds = '10';

/** As libvirt gives every machine one; looked at so often, it tells how much of its memory the guest uses. */
const balloon = ({ domainType }: DomainBase): XmlElement | undefined =>
  domainType === 'test' ? undefined : element('memballoon', { model: 'virtio' }, element('stats', { period: memoryLookSeconds }));

function skeleton(definition: MachineDefinition, base: DomainBase): XmlElement {
  const { uuid, nativeName } = definition;
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
    element(
      'devices',
      {},
      base.emulator === undefined ? undefined : element('emulator', {}, base.emulator),
      ...rootPorts(definition, base),
      balloon(base),
    ),
  );
}
