import type { MachineDefinition, Mark, XenMode } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { editDomain } from './edit.js';
import { newOs } from './mode.js';

/** A new domain: the skeleton that no definition speaks of, then everything that an edit would set. */
export function createDomain(
  definition: MachineDefinition,
  mark: Mark,
  base: { readonly mode: XenMode; readonly architecture: string },
): XmlElement {
  const { uuid, nativeName, xen = base } = definition;
  const skeleton = element(
    'domain',
    { type: 'xen' },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    newOs(xen.mode, base.architecture),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    element('devices'),
  );
  return editDomain(skeleton, definition, mark);
}
