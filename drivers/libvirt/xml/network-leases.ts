import { meaningOf } from '#drivers/words.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';

const secondsPer: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3_600 };

/** What dnsmasq, which libvirt runs, gives when it is told nothing; in seconds. */
const usualSeconds = 3_600;

/**
 * For how long a network lends its addresses, in seconds; undefined where it lends them for ever, or some for longer than others: then
 * nobody can tell from its end when a lease began.
 */
export function readLeaseSeconds(xml: string): number | undefined {
  const lenders = elements(parseXml(xml, 'network XML'), 'ip').flatMap((ip) => {
    const dhcp = child(ip, 'dhcp');
    return [...elements(dhcp, 'range'), ...elements(dhcp, 'host')];
  });
  const [seconds, ...others] = new Set(lenders.map(secondsOf));
  return others.length > 0 || seconds === 0 ? undefined : seconds;
}

function secondsOf(lender: XmlElement): number {
  const lease = child(lender, 'lease');
  if (lease === undefined) return usualSeconds;
  return Number(attribute(lease, 'expiry') ?? 0) * (meaningOf(secondsPer, attribute(lease, 'unit') ?? 'minutes') ?? 0);
}
