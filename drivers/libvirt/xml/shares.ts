import type { MachineShape } from '#drivers/driver.js';
import { withChild, withText } from '#drivers/xml/edit.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { wholeNumber } from './units.js';

/** What cgroups of version 1 and of version 2 both take. */
export const leastShares = 2;
export const mostShares = 10_000;

/** A machine's weight among those that want CPU time at once; undefined: what the host gives to those of which nobody says one. */
export const readShares = (domain: XmlElement): number | undefined => wholeNumber(textOf(child(domain, 'cputune', 'shares')));

export function withShares(domain: XmlElement, { cpuShares }: MachineShape): XmlElement {
  if (cpuShares === undefined || readShares(domain) === cpuShares) return domain;
  return withChild(domain, element('cputune'), (tune) => withChild(tune, element('shares'), (each) => withText(each, `${cpuShares}`)));
}
