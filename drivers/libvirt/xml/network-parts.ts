import type { AddressRange, NameRecord, NetworkForward, StaticHost } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';

/** The elements that a network is made of, and changed by. */

export const rangeElement = ({ start, end }: AddressRange): XmlElement => element('range', { start, end });

export const hostElement = ({ macAddress, duid, ip, name }: StaticHost): XmlElement =>
  element('host', { mac: macAddress, id: duid, name, ip });

/** libvirt keeps the names of one address together. */
export function recordElementsOf(records: readonly NameRecord[]): readonly XmlElement[] {
  const addresses = [...new Set(records.map(({ ip }) => ip))];
  return addresses.map((ip) =>
    element('host', { ip }, ...records.filter((record) => record.ip === ip).map(({ name }) => element('hostname', {}, name))),
  );
}

const nativeModes = { NAT: 'nat', Route: 'route', Open: 'open', Bridge: 'bridge', OpenVSwitch: 'bridge', Direct: 'bridge' } as const;

/** Undefined for a network that leads nowhere: it has no such element. */
export function forwardElement(forward: NetworkForward, masksIpv6: boolean): XmlElement | undefined {
  switch (forward.mode) {
    case 'None':
      return undefined;
    case 'Open':
    case 'Bridge':
    case 'OpenVSwitch':
      return element('forward', { mode: nativeModes[forward.mode] });
    default: {
      const nat = forward.mode === 'NAT' && masksIpv6 ? element('nat', { ipv6: 'yes' }) : undefined;
      const device = forward.device === undefined ? undefined : element('interface', { dev: forward.device });
      return element(
        'forward',
        { mode: nativeModes[forward.mode], dev: forward.mode === 'Direct' ? undefined : forward.device },
        nat,
        device,
      );
    }
  }
}
