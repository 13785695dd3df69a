import type { MachineShape } from '#drivers/driver.js';
import { withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { readMounts } from './root.js';

/** Who is root in a container mounts there as he likes, and what is to be read only he would mount anew, to be written. */
const capability = 'sys_admin';

const isReadOnly = ({ readOnly }: { readonly readOnly?: true }): boolean => readOnly === true;

/** Whether what is mounted stays as it was mounted. */
export const keepsMounts = (domain: XmlElement): boolean =>
  attribute(child(domain, 'features', 'capabilities', capability), 'state') === 'off';

/**
 * Nobody in it mounts anything once something is only to be read. A hand that forbade it stays obeyed. Comes before the mounts themselves are
 * edited, as what was mounted tells whose word this was.
 */
export function withMountGuard(domain: XmlElement, { container }: MachineShape): XmlElement {
  const had = readMounts(child(domain, 'devices')).some(isReadOnly);
  if ((container?.mounts ?? []).some(isReadOnly)) return keepsMounts(domain) ? domain : withCapabilities(domain, guarded);
  return had && keepsMounts(domain) ? withCapabilities(domain, unguarded) : domain;
}

const withCapabilities = (domain: XmlElement, edit: (capabilities: XmlElement) => XmlElement | undefined): XmlElement =>
  withChild(domain, element('features'), (features) => withChild(features, element('capabilities', { policy: 'default' }), edit));

const guarded = (capabilities: XmlElement): XmlElement =>
  withChild(capabilities, element(capability), (each) => withAttribute(each, 'state', 'off'));

function unguarded(capabilities: XmlElement): XmlElement | undefined {
  const rest = withoutChildren(capabilities, (each) => isElement(each, capability));
  return elements(rest).length === 0 && attribute(rest, 'policy') === 'default' ? undefined : rest;
}
