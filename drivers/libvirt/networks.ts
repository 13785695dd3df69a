import type { Network, NetworkDefinition, NetworkId, NetworkShape, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { hasCode, present, unlessAlready, unlessGone } from './gone.js';
import { checkNetwork } from './network-check.js';
import { unknownFlags } from './rpc/driver-error.js';
import { listNetworksFlags, networkCommands, networkSections, networkUpdateFlags, networkXmlFlags } from './rpc/flags.js';
import {
  connectListAllNetworks,
  connectSupportsFeature,
  networkCreate,
  networkDefineXml,
  networkDestroy,
  networkGetXmlDesc,
  networkListAllPorts,
  networkLookupByUuid,
  networkUndefine,
  networkUpdate,
} from './rpc/procedures.js';
import type { NetworkHandle } from './rpc/types.js';
import { readNetwork, readSubnets } from './xml/network.js';
import { bridgeOf, createNetwork, editNetwork } from './xml/network-edit.js';
import { type NetworkUpdate, networkUpdates } from './xml/network-update.js';

/** The daemon takes the arguments of an update in the order in which they are declared (libvirt 7.2.0). */
const updatesInOrder = 16;

export class LibvirtNetworks implements Networks {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async list(signal: AbortSignal): Promise<readonly Network[]> {
    const { active, persistent } = listNetworksFlags;
    const [all, running, defined] = await Promise.all([0, active, persistent].map((flags) => this.#handles(flags, signal)));
    const [runs, stays] = [running, defined].map((handles) => new Set(handles?.map(({ uuid }) => uuid)));
    const read = (handle: NetworkHandle) => this.#read(handle, runs?.has(handle.uuid) === true, stays?.has(handle.uuid) === true, signal);
    return present(await Promise.all((all ?? []).map((handle) => unlessGone(read(handle)))));
  }

  #handles(flags: number, signal: AbortSignal): Promise<readonly NetworkHandle[]> {
    return this.#daemon.ask(connectListAllNetworks, { elementsWanted: undefined, flags }, signal);
  }

  async #read(network: NetworkHandle, active: boolean, persistent: boolean, signal: AbortSignal): Promise<Network> {
    const live = active ? await this.#xml(network, 0, signal) : undefined;
    const configured = persistent ? await this.#xml(network, networkXmlFlags.inactive, signal) : undefined;
    const bridge = [live, configured].flatMap((xml) => (xml === undefined ? [] : (bridgeOf(xml) ?? [])))[0];
    return {
      id: network.uuid as NetworkId,
      uuid: network.uuid,
      nativeName: network.name,
      active,
      ...(configured === undefined ? {} : { configured: readNetwork(configured) }),
      ...(live === undefined ? {} : { live: readNetwork(live) }),
      ...(bridge === undefined ? {} : { bridge }),
      subnets: [...new Set([live, configured].flatMap((xml) => (xml === undefined ? [] : readSubnets(xml))))],
      attached: live === undefined ? 0 : await this.#attached(network, live, signal),
    };
  }

  /** A driver of libvirt's that does not tell one from the other has only one. */
  async #xml(network: NetworkHandle, flags: number, signal: AbortSignal): Promise<XmlElement> {
    const asked = this.#daemon.ask(networkGetXmlDesc, { network, flags }, signal, network.uuid).catch((reason) => {
      if (unknownFlags(reason) === 0) throw reason;
      return this.#daemon.ask(networkGetXmlDesc, { network, flags: 0 }, signal, network.uuid);
    });
    return parseXml(await asked, 'network XML');
  }

  async define(definition: NetworkDefinition, signal: AbortSignal): Promise<NetworkId> {
    checkNetwork(definition);
    const uuid = definition.uuid.toLowerCase();
    const known = await this.#handles(0, signal);
    const found = known.find((one) => one.uuid === uuid);
    if (found === undefined) return this.#create(definition, known, signal);
    const stays = (await this.#handles(listNetworksFlags.persistent, signal)).some((one) => one.uuid === uuid);
    const native = await this.#xml(found, networkXmlFlags.inactive, signal);
    const edited = editNetwork(native, definition);
    if (edited !== native || !stays) await this.#daemon.ask(networkDefineXml, { xml: serializeXml(edited) }, signal, uuid);
    return uuid as NetworkId;
  }

  async #create(definition: NetworkDefinition, known: readonly NetworkHandle[], signal: AbortSignal): Promise<NetworkId> {
    const taken = known.find(({ name }) => name === definition.nativeName);
    if (taken !== undefined)
      throw new DriverError('NotOurs', `the host has a network ${taken.name} with the uuid ${taken.uuid}; it is left alone`);
    return (await this.#daemon.ask(networkDefineXml, { xml: serializeXml(createNetwork(definition)) }, signal)).uuid as NetworkId;
  }

  async start(id: NetworkId, signal: AbortSignal): Promise<void> {
    const network = await this.#handle(id, signal);
    const starting = this.#daemon.order(networkCreate, { network }, signal, id).catch((reason) => {
      throw inUse(reason) ?? reason;
    });
    await unlessAlready(() => this.#isActive(id, signal), starting);
  }

  async update(id: NetworkId, shape: NetworkShape, signal: AbortSignal): Promise<void> {
    const network = await this.#handle(id, signal);
    if (!(await this.#isActive(id, signal))) throw new DriverError('Conflict', `network ${network.name} is not active`);
    const updates = networkUpdates(await this.#xml(network, 0, signal), shape);
    if (updates.length === 0) return;
    const inOrder = await this.#daemon.ask(connectSupportsFeature, { feature: updatesInOrder }, signal);
    for (const update of updates) await this.#daemon.order(networkUpdate, { network, ...updateArgs(update, inOrder) }, signal, id);
  }

  async stop(id: NetworkId, signal: AbortSignal): Promise<void> {
    await this.#stop(await this.#handle(id, signal), signal);
  }

  /** The host would cut off whoever is attached, without a word. */
  async #stop(network: NetworkHandle, signal: AbortSignal): Promise<void> {
    const { uuid } = network;
    if (!(await this.#isActive(uuid, signal))) return;
    const attached = await this.#attached(network, await this.#xml(network, 0, signal), signal);
    if (attached > 0) throw new DriverError('Conflict', `network ${network.name} has ${attached} interfaces of machines attached to it`);
    await unlessAlready(async () => !(await this.#isActive(uuid, signal)), this.#daemon.order(networkDestroy, { network }, signal, uuid));
  }

  async undefine(id: NetworkId, signal: AbortSignal): Promise<void> {
    const forget = async () => {
      const network = await this.#handle(id, signal);
      await this.#stop(network, signal);
      await this.#daemon.order(networkUndefine, { network }, signal, id);
    };
    await unlessGone(forget());
  }

  /**
   * Interfaces of machines that are attached. libvirt's own count in the network's XML is forgotten with every update of the running network
   * (seen with 9.0); its list of ports is not, where it has one (5.5.0).
   */
  async #attached(network: NetworkHandle, live: XmlElement, signal: AbortSignal): Promise<number> {
    const connections = connectionsOf(live);
    const listed = this.#daemon.ask(networkListAllPorts, { network, elementsWanted: undefined, flags: 0 }, signal, network.uuid);
    return listed.then(
      (ports) => Math.max(ports.length, connections),
      (reason) => {
        // It went off since it was looked at: nobody is attached to it.
        if (hasCode(reason, 'Conflict')) return 0;
        if (!hasCode(reason, 'Unsupported')) throw reason;
        return connections;
      },
    );
  }

  #handle(id: NetworkId, signal: AbortSignal): Promise<NetworkHandle> {
    return this.#daemon.ask(networkLookupByUuid, { uuid: id }, signal, id);
  }

  async #isActive(id: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#handles(listNetworksFlags.active, signal)).some(({ uuid }) => uuid === id);
  }
}

const connectionsOf = (live: XmlElement): number => Number(attribute(live, 'connections') ?? 0);

function updateArgs({ command, section, parentIndex, xml }: NetworkUpdate, inOrder: boolean) {
  const [what, where] = [networkCommands[command], networkSections[section]];
  const order = inOrder ? { command: what, section: where } : { command: where, section: what };
  return { ...order, parentIndex, xml: serializeXml(xml), flags: networkUpdateFlags.live };
}

/** The host looks at its own interfaces and routes only when a network starts, and does not say which subnet it means. */
function inUse(reason: unknown): DriverError | undefined {
  const device = reason instanceof Error ? /already in use by interface (\S+)/.exec(reason.message)?.[1] : undefined;
  if (device === undefined) return undefined;
  const message = `the host has a subnet of this network on its interface ${device} already, or a route to it; choose another subnet, or free it there`;
  return new DriverError('Conflict', message, { cause: reason });
}
