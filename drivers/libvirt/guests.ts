import type { GuestAddress, GuestSight, GuestSystem, Guests, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { handleOf, isActive, readDomain } from './domains.js';
import {
  domainAgentSetResponseTimeout,
  domainGetGuestInfo,
  domainInterfaceAddresses,
  networkGetDhcpLeases,
  networkGetXmlDesc,
  networkLookupByName,
} from './rpc/procedures.js';
import { paramsByField } from './rpc/types.js';
import { isAgentConnected } from './xml/channel.js';
import { readLeaseSeconds } from './xml/network-leases.js';

const sources = { agent: 1, neighbours: 2 } as const;
const about = { system: 2, hostname: 8 } as const;

/** How long the host waits for an agent, in seconds: each that is silent keeps one of the daemon's few workers for as long. */
const agentSeconds = 3;

const nowhere = '00:00:00:00:00:00';

export class LibvirtGuests implements Guests {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async look(id: MachineId, signal: AbortSignal): Promise<GuestSight> {
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    if (!isActive(domain)) throw new DriverError('Conflict', `machine ${id} is Off; nothing is known of its guest`);
    const devices = child(domain, 'devices');
    const [said, leases, neighbours] = await Promise.all([
      this.#agent(id, isAgentConnected(devices), signal),
      this.#leases(devices, signal),
      this.#addresses(id, 'neighbours', signal).catch(unlessLost(signal, [])),
    ]);
    return { ...said, addresses: [...said.addresses, ...leases, ...neighbours] };
  }

  async #agent(id: MachineId, connected: boolean | undefined, signal: AbortSignal): Promise<GuestSight> {
    if (connected !== true) return { ...(connected === undefined ? {} : { agent: 'Disconnected' }), addresses: [] };
    const timeout = { domain: handleOf(id), timeout: agentSeconds, flags: 0 };
    await this.#daemon.ask(domainAgentSetResponseTimeout, timeout, signal, id).catch(unlessLost(signal, undefined));
    const addresses = await this.#addresses(id, 'agent', signal).catch(unlessLost(signal, undefined));
    if (addresses === undefined) return { agent: 'Silent', addresses: [] };
    const info = { domain: handleOf(id), types: about.system | about.hostname, flags: 0 };
    const params = await this.#daemon.consult(domainGetGuestInfo, info, signal, id).catch(unlessLost(signal, []));
    return { agent: 'Connected', ...systemOf(paramsByField(params)), addresses };
  }

  async #addresses(id: MachineId, source: keyof typeof sources, signal: AbortSignal): Promise<readonly GuestAddress[]> {
    const what = { domain: handleOf(id), source: sources[source], flags: 0 };
    const found =
      source === 'agent'
        ? await this.#daemon.consult(domainInterfaceAddresses, what, signal, id)
        : await this.#daemon.ask(domainInterfaceAddresses, what, signal, id);
    return found.flatMap(({ macAddress = nowhere, addresses }) =>
      macAddress === nowhere
        ? []
        : addresses.map(({ address }) => ({
            macAddress: macAddress.toLowerCase(),
            ip: address,
            source: source === 'agent' ? 'Agent' : 'ARP',
          })),
    );
  }

  /** Of the networks that the machine is attached to now. */
  async #leases(devices: XmlElement | undefined, signal: AbortSignal): Promise<readonly GuestAddress[]> {
    const attached = elements(devices, 'interface').flatMap((each) => {
      const [network, macAddress] = [attribute(child(each, 'source'), 'network'), attribute(child(each, 'mac'), 'address')];
      return network === undefined || macAddress === undefined ? [] : [{ network, macAddress }];
    });
    const found = attached.map((one) => this.#leasesOf(one, signal).catch(unlessLost(signal, [])));
    return (await Promise.all(found)).flat();
  }

  async #leasesOf(
    { network: name, macAddress }: { readonly network: string; readonly macAddress: string },
    signal: AbortSignal,
  ): Promise<readonly GuestAddress[]> {
    const network = await this.#daemon.ask(networkLookupByName, { name }, signal);
    const leases = await this.#daemon.ask(networkGetDhcpLeases, { network, macAddress, wanted: undefined, flags: 0 }, signal);
    if (leases.length === 0) return [];
    const seconds = readLeaseSeconds(await this.#daemon.ask(networkGetXmlDesc, { network, flags: 0 }, signal));
    return leases.map(({ address, expires }) => ({
      macAddress: macAddress.toLowerCase(),
      ip: address,
      source: 'Lease',
      ...(seconds === undefined || expires === 0n ? {} : { since: (Number(expires) - seconds) * 1_000 }),
    }));
  }
}

function systemOf(fields: ReturnType<typeof paramsByField>): Pick<GuestSight, 'hostname' | 'os'> {
  const text = (field: string) => {
    const value = fields.get(field);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const named = {
    id: text('os.id'),
    name: text('os.pretty-name') ?? text('os.name'),
    version: text('os.version-id'),
    kernel: text('os.kernel-release'),
  };
  const os = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as GuestSystem;
  const hostname = text('hostname');
  return { ...(hostname === undefined ? {} : { hostname }), ...(Object.keys(os).length === 0 ? {} : { os }) };
}

/** What one source cannot tell, another one may: only a host that is lost, or a caller who gave up, ends the look. */
const unlessLost =
  <T>(signal: AbortSignal, instead: T) =>
  (reason: unknown): T => {
    if (signal.aborted || DriverError.from(reason).code === 'Unavailable') throw reason;
    return instead;
  };
