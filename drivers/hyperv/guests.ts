import { isIP } from 'node:net';
import type { GuestAddress, GuestSight, GuestSystem, Guests, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';
import { guestIps, guestItems } from './wmi/guest.js';

/** What guests say by the integration services that run in them: no address of theirs is known otherwise. */
export class HypervGuests implements Guests {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async look(id: MachineId, signal: AbortSignal): Promise<GuestSight> {
    const native = await this.#inventory.native(id, signal);
    const { nativeName, power } = glanceOf(native);
    if (power.state === 'Off') throw new DriverError('Conflict', `machine "${nativeName}" is Off: nothing runs in it`);
    const items = await guestItems(this.#inventory.wmi, id, signal);
    if (items.size === 0) return { addresses: [] };
    const [hostname, os] = [items.get('FullyQualifiedDomainName'), systemOf(items)];
    return {
      agent: 'Connected',
      ...(hostname === undefined ? {} : { hostname }),
      ...(Object.keys(os).length === 0 ? {} : { os }),
      addresses: await this.#addresses(native, items, signal),
    };
  }

  async #addresses(native: NativeMachine, items: ReadonlyMap<string, string>, signal: AbortSignal): Promise<readonly GuestAddress[]> {
    const told = await Promise.all(
      native.parts.cards.map(async (card) => ({ card, ips: await guestIps(this.#inventory.wmi, native.parts.cards, card, items, signal) })),
    );
    return told.flatMap(({ card: { macAddress }, ips }) =>
      ips.filter((ip) => isIP(ip) !== 0 && macAddress !== '').map((ip) => ({ macAddress, ip: ip.toLowerCase(), source: 'Agent' as const })),
    );
  }
}

function systemOf(items: ReadonlyMap<string, string>): GuestSystem {
  const [name, version] = [items.get('OSName'), items.get('OSVersion')];
  return { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) };
}
