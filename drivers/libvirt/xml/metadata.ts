import type { Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { withAttribute, withChild, withText } from '#drivers/xml/edit.js';
import { attribute, child, childNS, element, elementNS, textOf, type XmlElement } from '#drivers/xml/tree.js';

/** Where the owner mark stands in a domain's metadata: `<virtwright:machine cluster= namespace= name= uid=>record</virtwright:machine>`. */
export const markNamespace = 'https://virtwright.io/xmlns/libvirt/1';
export const markPrefix = 'virtwright';

const maxRecordBytes = 4096;

/** The mark of a domain; undefined when it carries none that is whole. */
export function readMark(domain: XmlElement): Mark | undefined {
  return markOf(childNS(child(domain, 'metadata'), markNamespace, 'machine'));
}

export function markOf(machine: XmlElement | undefined): Mark | undefined {
  const [cluster, namespace, name, uid] = ['cluster', 'namespace', 'name', 'uid'].map((key) => attribute(machine, key));
  if (cluster === undefined || namespace === undefined || name === undefined || uid === undefined) return undefined;
  return { owner: { cluster, namespace, name, uid }, record: textOf(machine) ?? '' };
}

/** The domain with that mark; other metadata stays. */
export function withMark(domain: XmlElement, mark: Mark): XmlElement {
  const absent = elementNS(markNamespace, `${markPrefix}:machine`);
  return withChild(domain, element('metadata'), (metadata) => withChild(metadata, absent, (machine) => marked(machine, mark)));
}

/** The element that DOMAIN_SET_METADATA takes; the host adds the prefix and the namespace, given as key and URI. */
export function markElement(mark: Mark): XmlElement {
  return marked(element('machine'), mark);
}

function marked(machine: XmlElement, { owner, record }: Mark): XmlElement {
  const size = Buffer.byteLength(record);
  if (size > maxRecordBytes)
    throw new DriverError('Invalid', `the record has ${size} bytes; at most ${maxRecordBytes} are kept in a machine`);
  const named = [...Object.entries(ownerAttributes(owner))].reduce((edited, [name, value]) => withAttribute(edited, name, value), machine);
  return withText(named, record);
}

function ownerAttributes({ cluster, namespace, name, uid }: OwnerMark): Readonly<Record<string, string>> {
  return { cluster, namespace, name, uid };
}
