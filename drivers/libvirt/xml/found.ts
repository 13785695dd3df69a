import type { Found, MachineShape } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { withFoundNames } from './found-names.js';
import { keptIn, type Unsaid } from './unsaid.js';

interface Reader {
  readShape(named: XmlElement): MachineShape;
  readonly unsaid?: (named: XmlElement) => Unsaid;
}

/** What a domain that others made would be taken as. */
export function foundIn(domain: XmlElement, { readShape, unsaid = usual }: Reader): Found {
  const named = withFoundNames(domain, readShape);
  return { shape: readShape(named), ...unsaid(named) };
}

const usual = (named: XmlElement): Unsaid => ({ kept: keptIn(named) });
