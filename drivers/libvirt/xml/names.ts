import type { XmlElement } from '#drivers/xml/tree.js';

/**
 * Where a domain's devices carry their names. What we reckon with has them as aliases, `<alias name='ua-…'/>`; a driver of libvirt's that
 * drops aliases has them elsewhere, between reading and writing.
 */
export interface Names {
  /** A native domain, with its names as aliases. Unchanged is the same object. */
  read(native: XmlElement): XmlElement;
  /** What is written to the host. */
  write(domain: XmlElement): XmlElement;
}
