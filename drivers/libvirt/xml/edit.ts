import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { withChild } from '#drivers/xml/edit.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { withMark } from './metadata.js';

/** Makes a domain say one thing of a definition. Where reading it says so already, it is the very same object. */
export type Edit = (domain: XmlElement, definition: MachineDefinition) => XmlElement;

/** An edit of what is within the domain's element of that name. */
type Within = (found: XmlElement, definition: MachineDefinition) => XmlElement;

export const inOs =
  (edit: Within): Edit =>
  (domain, definition) =>
    withChild(domain, element('os'), (os) => edit(os, definition));

export const inDevices =
  (edit: Within): Edit =>
  (domain, definition) =>
    withChild(domain, element('devices'), (devices) => edit(devices, definition));

/**
 * The domain made to say what the mark and the definition say, changed only where reading it says something else, so that all that others
 * or the host put there stays. Name and uuid are the domain's identity and are not edited. Unchanged is the same object.
 */
export function edited(domain: XmlElement, definition: MachineDefinition, mark: Mark, edits: readonly Edit[]): XmlElement {
  return edits.reduce((each, edit) => edit(each, definition), withMark(domain, mark));
}
