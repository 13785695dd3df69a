import type { MachineDefinition } from '#drivers/driver.js';
import { element, type XmlContent, type XmlElement } from '#drivers/xml/tree.js';

/** What no definition speaks of, where a dialect is not QEMU's. */
export interface Base {
  readonly domainType: string;
  readonly architecture: string;
  readonly emulator?: string | undefined;
  /** Beside the type of guest. */
  readonly os?: readonly XmlContent[];
  /** Absent: the host takes no word of any. */
  readonly features?: readonly string[];
  readonly devices?: readonly XmlElement[];
}

/** A new domain, before the edits. */
export const skeleton = ({ uuid, nativeName }: MachineDefinition, base: Base): XmlElement =>
  element(
    'domain',
    { type: base.domainType },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    element('os', {}, element('type', { arch: base.architecture }, 'hvm'), ...(base.os ?? [])),
    base.features === undefined ? undefined : element('features', {}, ...base.features.map((each) => element(each))),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    element('devices', {}, base.emulator === undefined ? undefined : element('emulator', {}, base.emulator), ...(base.devices ?? [])),
  );
