import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import type { Parameters } from '../wsman/parameters.js';
import { networkSwitch, switchPort } from './classes.js';
import { freeAdapter } from './switch-ports.js';
import type { NetworkSwitch, SwitchEnds } from './switch-shape.js';
import { isSame, ownNames, type Pieces, piecesOf, readWiring, uuidOf } from './wiring.js';
import { internalPort } from './wiring-classes.js';
import type { Wmi } from './wmi.js';

export type Call = (method: string, given: Parameters, signal: AbortSignal) => Promise<void>;
type Meant = Pick<NetworkSwitch, 'id' | 'name' | 'reference'>;

/** Addresses that a switch learns at most: what Hyper-V Manager gives one. */
const learnable = 1024;

/**
 * Switches of version 1, which are put together: each call makes or joins one piece of a name that we choose, so that whoever comes after us, wherever we
 * ended, sees which there are, and goes on. A piece that is not joined carries nothing.
 */
export class Assembly {
  readonly #wmi: Wmi;
  readonly #call: Call;

  constructor(wmi: Wmi, call: Call) {
    this.#wmi = wmi;
    this.#call = call;
  }

  /** @throws DriverError NotFound or Conflict for its adapter, before anything is made */
  async create(name: string, uuid: string, ends: SwitchEnds, signal: AbortSignal): Promise<void> {
    if (ends.device !== undefined) {
      await freeAdapter(this.#wmi, ends.device, signal);
      await this.#mark(uuid, name, signal);
    }
    const names = ownNames(uuid);
    const id = ends.device === undefined ? names.plain : names.outside;
    await this.#call('CreateSwitch', { Name: id, FriendlyName: name, NumLearnableAddresses: learnable, ScopeOfResidence: '' }, signal);
    const [made] = await this.#wmi.find(networkSwitch, { Name: id }, signal);
    if (made !== undefined) await this.lead({ id, name, reference: made.reference }, ends, signal);
  }

  /** Of a switch that leads outside, of which there is no more than its mark. */
  async forget(id: string, signal: AbortSignal): Promise<void> {
    const { mark } = await this.#pieces({ id }, signal);
    if (mark !== undefined) await this.#deleteAdapter(mark.reference, signal);
  }

  /** Ports alone do not tell one that we have begun from one that people took apart, and a card may be at either: so one that is begun has a mark, before anybody sees it. */
  async #mark(uuid: string, name: string, signal: AbortSignal): Promise<void> {
    const Name = ownNames(uuid).mark;
    if ((await this.#wmi.find(internalPort, { Name }, signal)).length > 0) return;
    await this.#call('CreateInternalEthernetPortDynamicMac', { Name, FriendlyName: name }, signal);
  }

  /** Joins what is to be joined, and takes back what is not. An adapter is joined with the host: alone it might cut us off for good. @throws DriverError NotOurs */
  async lead(of: Meant, ends: SwitchEnds, signal: AbortSignal): Promise<void> {
    const { host, outside } = await this.#ownPieces(of, signal);
    if (ends.device !== undefined && outside.length === 0) await this.#setUp(of, ends.device, signal);
    else if (ends.host === 'Attached' && host.length === 0) await this.#joinHost(of, signal);
    else if (ends.host === 'Detached') await this.#partHost(host, signal);
    await this.#sweep(of, signal);
  }

  /** In the reverse order: what is left of it whenever we end is known by its names, too. @throws DriverError NotOurs */
  async destroy(of: Meant, signal: AbortSignal): Promise<void> {
    const { host, outside } = await this.#ownPieces(of, signal);
    const [first, ...others] = host;
    const [external] = outside;
    if (external === undefined) await this.#partHost(host, signal);
    else {
      await this.#partHost(others, signal);
      const inside = first === undefined ? {} : { InternalEthernetPort: first.adapter };
      await this.#call('TeardownSwitch', { ExternalEthernetPort: external.adapter, ...inside }, signal);
    }
    await this.#sweep(of, signal);
    await this.#call('DeleteSwitch', { VirtualSwitch: of.reference }, signal);
  }

  async #setUp(of: Meant, device: string, signal: AbortSignal): Promise<void> {
    const adapter = await freeAdapter(this.#wmi, device, signal);
    const uuid = uuidOf(of.id) ?? '';
    const { hostPort, adapterPort, plain } = ownNames(uuid);
    await this.#mark(uuid, of.name, signal);
    const { looseAdapter } = await this.#pieces(of, signal);
    if (looseAdapter !== undefined) await this.#deleteAdapter(looseAdapter.reference, signal);
    const given = {
      ExternalSwitchPort: await this.#port(of, adapterPort, `${of.name}_External`, signal),
      InternalSwitchPort: await this.#port(of, hostPort, of.name, signal),
      ExternalEthernetPort: adapter.reference,
      InternalEthernetPortName: plain,
      InternalEthernetPortFriendlyName: of.name,
    };
    await this.#call('SetupSwitch', given, signal);
  }

  async #joinHost(of: Meant, signal: AbortSignal): Promise<void> {
    const { hostPort, plain } = ownNames(uuidOf(of.id) ?? '');
    const SwitchPort = await this.#port(of, hostPort, of.name, signal);
    const { looseAdapter } = await this.#pieces(of, signal);
    if (looseAdapter === undefined)
      await this.#call('CreateInternalEthernetPortDynamicMac', { Name: plain, FriendlyName: of.name }, signal);
    const LANEndpoint = await this.#endpoint(of, signal);
    await this.#call('ConnectSwitchPort', { SwitchPort, LANEndpoint }, signal);
  }

  async #endpoint(of: Meant, signal: AbortSignal): Promise<Reference> {
    const wiring = await readWiring(this.#wmi, signal);
    const { looseAdapter } = piecesOf(wiring, of.id);
    const found = wiring.ends.find(({ adapter }) => looseAdapter !== undefined && isSame(adapter, looseAdapter.reference));
    if (found === undefined) throw new DriverError('Conflict', `the host's adapter for switch "${of.name}" was made, and is gone again`);
    return found.endpoint;
  }

  async #partHost(host: Pieces['host'], signal: AbortSignal): Promise<void> {
    for (const { port, adapter } of host) {
      await this.#call('DisconnectSwitchPort', { SwitchPort: port }, signal);
      await this.#deleteAdapter(adapter, signal);
      await this.#call('DeleteSwitchPort', { SwitchPort: port }, signal);
    }
  }

  /** Pieces of ours that nothing is joined to. The mark first: from then on it is people's matter where the switch leads. */
  async #sweep(of: Meant, signal: AbortSignal): Promise<void> {
    const { looseAdapter, loosePorts, mark } = await this.#pieces(of, signal);
    if (mark !== undefined) await this.#deleteAdapter(mark.reference, signal);
    if (looseAdapter !== undefined) await this.#deleteAdapter(looseAdapter.reference, signal);
    for (const { reference } of loosePorts) await this.#call('DeleteSwitchPort', { SwitchPort: reference }, signal);
  }

  async #port(of: Meant, name: string, friendlyName: string, signal: AbortSignal): Promise<Reference> {
    const look = async () => (await this.#wmi.find(switchPort, { Name: name, SystemName: of.id }, signal))[0]?.reference;
    const there = await look();
    if (there !== undefined) return there;
    const given = { VirtualSwitch: of.reference, Name: name, FriendlyName: friendlyName, ScopeOfResidence: '' };
    await this.#call('CreateSwitchPort', given, signal);
    const made = await look();
    if (made === undefined) throw new DriverError('Conflict', `port "${name}" of switch "${of.name}" was made, and is gone again`);
    return made;
  }

  async #deleteAdapter(adapter: Reference, signal: AbortSignal): Promise<void> {
    await this.#call('DeleteInternalEthernetPort', { InternalEthernetPort: adapter }, signal);
  }

  async #pieces(of: Pick<Meant, 'id'>, signal: AbortSignal): Promise<Pieces> {
    return piecesOf(await readWiring(this.#wmi, signal), of.id);
  }

  /** @throws DriverError NotOurs for a switch that something is joined to by a port of another name: whose GUID a switch has says nothing, as people's have one, too */
  async #ownPieces(of: Meant, signal: AbortSignal): Promise<Pieces> {
    const pieces = await this.#pieces(of, signal);
    const names = ownNames(uuidOf(of.id) ?? '');
    const isOwn = (name: string) => [names.hostPort, names.adapterPort].includes(name.toLowerCase());
    const theirs = [...pieces.outside, ...pieces.host].map(({ port }) => port.selectors['Name'] ?? '').find((name) => !isOwn(name));
    if (theirs === undefined) return pieces;
    const message = `switch "${of.name}" leads to an adapter by port "${theirs}", which is not ours; disconnect that, or take the switch apart`;
    throw new DriverError('NotOurs', message);
  }
}
