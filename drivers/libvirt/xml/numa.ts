import { DriverError } from '#drivers/error.js';
import { withChild } from '#drivers/xml/edit.js';
import { child, element, elements, type XmlElement } from '#drivers/xml/tree.js';

/** A NUMA cell counts for itself and would win over what is said of the whole; of several cells nobody told us which one is to change. */
export function withNumaCell(domain: XmlElement, field: string, edit: (cell: XmlElement) => XmlElement): XmlElement {
  const cells = elements(child(domain, 'cpu', 'numa'), 'cell');
  if (cells.length === 0) return domain;
  if (cells.length > 1)
    throw new DriverError(
      'Invalid',
      `${field}: the native machine has ${cells.length} NUMA cells; change it there, or take the cells away`,
    );
  return withChild(domain, element('cpu'), (cpu) => withChild(cpu, element('numa'), (numa) => withChild(numa, element('cell'), edit)));
}
