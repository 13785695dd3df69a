import { isDeepStrictEqual } from 'node:util';
import type { NativeNetworkShape, Network, NetworkDefinition, NetworkId, NetworkShape, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkName } from './definition.js';
import { keptOf } from './identity.js';
import { type Inventory, networkNames } from './inventory.js';
import { glanceOf, idOf, isPlainOff, type NativeGlance } from './native.js';
import type { NetworkSwitch, SwitchEnds, SwitchPorts } from './wmi/switch-shape.js';

/** The host's switches. Ours lead nowhere, to the host, or outside by an adapter that is granted, which the host stays on. */
export class HypervNetworks implements Networks {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** One of which there is no more than a mark is told, too: so it goes on, or the mark goes when nobody asks for it any more. */
  async list(signal: AbortSignal): Promise<readonly Network[]> {
    const marked = await this.#inventory.switches.marked(signal);
    const begun = marked.map(({ id, uuid, name }) => ({ id: id as NetworkId, uuid, nativeName: name, active: false }));
    return [...(await this.#listed(signal)), ...begun.map((each) => ({ ...each, configured: shapeOf(undefined) }))];
  }

  async #listed(signal: AbortSignal): Promise<readonly Network[]> {
    const { switches } = this.#inventory;
    const [all, uuids] = await Promise.all([switches.list(signal), switches.uuids(signal)]);
    const ports = await switches.ports([...uuids.keys()], signal);
    const names = networkNames(all);
    return all.map(({ id, name, isWell }) => {
      const is = { id: id as NetworkId, nativeName: names.get(id) ?? name, active: isWell };
      const uuid = uuids.get(id);
      const at = ports.get(id);
      const shape = shapeOf(at?.begun === undefined ? at?.ends : undefined);
      return uuid === undefined ? is : { ...is, uuid, configured: shape, ...(isWell ? { live: shape } : {}) };
    });
  }

  async define(definition: NetworkDefinition, signal: AbortSignal): Promise<NetworkId> {
    const { uuid, nativeName } = definition;
    checkShape(nativeName, definition);
    checkName(nativeName);
    const make = async () => {
      const { switches } = this.#inventory;
      const there = (await this.#find(uuid, signal)) ?? (await this.#findLate(uuid, signal));
      if (there !== undefined) return this.#lead(there, definition, signal);
      if ((await switches.list(signal)).some(({ name }) => name === nativeName))
        throw new DriverError('NotOurs', `the host has a switch "${nativeName}" that is not ours; rename it, or the network`);
      return this.#make(definition, signal);
    };
    return this.#inventory.inRow(`switch ${nativeName}`, make, signal);
  }

  async #make(definition: NetworkDefinition, signal: AbortSignal): Promise<NetworkId> {
    const { uuid, nativeName } = definition;
    await this.#inventory.switches.create(nativeName, uuid, endsFor(definition, undefined), signal);
    const made = await this.#find(uuid, signal);
    if (made === undefined) throw new DriverError('Conflict', `switch "${nativeName}" was made, and is gone again`);
    return made;
  }

  /**
   * The host comes to a switch, or leaves one that is among machines. Nothing else changes: a host whose network is on an adapter might never be
   * reached again. What another life began, and nothing has ever been joined to, is gone on with as is asked for now, or taken back, unless somebody's machine is at it. @throws DriverError Unsupported for all else, Conflict while a machine is plugged in
   */
  async #lead(id: NetworkId, definition: NetworkDefinition, signal: AbortSignal): Promise<NetworkId> {
    const { switches } = this.#inventory;
    const has = await this.#settled(id, definition, signal);
    if (has === undefined || isAsAsked(has, definition)) return id;
    const ends = endsFor(definition, has.begun === undefined ? has.ends : undefined);
    const isLedThere = isDeepStrictEqual(has.ends, ends);
    const found = await this.#must(id, signal);
    const isOpen = has.begun?.awaitsAdapter === true;
    if (!isOpen) checkSafe(definition.nativeName, has.ends, ends);
    if (isOpen || !isLedThere)
      await this.#checkFree(id, definition.nativeName, 'where it leads changes once that is off and ours, or on another switch', signal);
    if (!isOpen || ends.device !== undefined) {
      await switches.attach(found, ends, has, signal);
      return id;
    }
    await switches.destroy(found, signal);
    return this.#make(definition, signal);
  }

  /** Where it leads once what another life of ours began has ended, which is waited for where it is not as it is asked to be. @throws DriverError Busy */
  async #settled(id: NetworkId, definition: NetworkDefinition, signal: AbortSignal): Promise<SwitchPorts | undefined> {
    const { switches } = this.#inventory;
    const look = async () => (await switches.ports([id], signal)).get(id);
    const has = await look();
    if (has === undefined || isAsAsked(has, definition)) return has;
    await switches.othersMade(signal);
    return look();
  }

  async #checkFree(id: NetworkId, name: string, remedy: string, signal: AbortSignal): Promise<void> {
    const user = await this.#user(id, signal);
    if (user !== undefined) throw new DriverError('Conflict', `switch "${name}": machine "${user}" is plugged into it; ${remedy}`);
  }

  /** @throws DriverError Conflict when there are two */
  async #find(uuid: string, signal: AbortSignal): Promise<NetworkId | undefined> {
    const [found, ...others] = (await this.#listed(signal)).filter((each) => each.uuid === uuid.toLowerCase());
    if (others.length === 0) return found?.id;
    const names = [found, ...others].flatMap((each) => each?.nativeName ?? []).join(', ');
    throw new DriverError('Conflict', `uuid ${uuid}: ${others.length + 1} switches have it (${names}); delete all but one of them`);
  }

  /** One that leads outside cuts us off for a moment, and then is perhaps still being made. @throws DriverError Busy, or Conflict */
  async #findLate(uuid: string, signal: AbortSignal): Promise<NetworkId | undefined> {
    await this.#inventory.switches.othersMade(signal);
    return this.#find(uuid, signal);
  }

  /** It is on as long as it is there. */
  async start(id: NetworkId, signal: AbortSignal): Promise<void> {
    await this.#must(id, signal);
  }

  async update(id: NetworkId, shape: NetworkShape, signal: AbortSignal): Promise<void> {
    const { name } = await this.#must(id, signal);
    checkShape(name, shape);
  }

  async stop(id: NetworkId, signal: AbortSignal): Promise<void> {
    const { name } = await this.#must(id, signal);
    throw new DriverError('Unsupported', `switch "${name}" is on as long as it is there; delete it`);
  }

  /** What another life of ours began is waited for, as that may be its end. @throws DriverError Busy, NotOurs, or Conflict while it is used */
  async undefine(id: NetworkId, signal: AbortSignal): Promise<void> {
    const { switches } = this.#inventory;
    await switches.othersMade(signal);
    const found = (await switches.list(signal)).find((each) => each.id === id);
    if (found === undefined) return switches.forgetMark(id, signal);
    if (!(await switches.uuids(signal)).has(id)) throw new DriverError('NotOurs', `switch "${found.name}" is not ours`);
    await this.#checkFree(id, found.name, 'switch it off, or put it on another', signal);
    await switches.destroy(found, signal);
  }

  /** Whosesoever machine that is not plainly off, as a saved one goes on with the switch it had; and one that is not ours, which nobody asks of again. */
  async #user(id: NetworkId, signal: AbortSignal): Promise<string | undefined> {
    const isOurs = ({ settings }: NativeGlance) => keptOf(settings)?.mark !== undefined;
    const on = (await this.#inventory.glances(signal)).filter((each) => !isPlainOff(each) || !isOurs(each));
    const natives = await this.#inventory.natives(
      on.map(({ system }) => idOf(system)),
      signal,
    );
    const user = natives.find(({ parts }) => parts.cards.some(({ switchId }) => switchId === id));
    return user && glanceOf(user).nativeName;
  }

  /** @throws DriverError NotFound */
  async #must(id: NetworkId, signal: AbortSignal): Promise<NetworkSwitch> {
    const found = (await this.#inventory.switches.list(signal)).find((each) => each.id === id);
    if (found === undefined) throw new DriverError('NotFound', `there is no switch ${id} on the host (any more)`);
    return found;
  }
}

function shapeOf(ends: SwitchEnds | undefined): NativeNetworkShape {
  if (ends === undefined) return { forward: { mode: 'Other' }, records: [] };
  const { device, host } = ends;
  return { forward: device === undefined ? { mode: 'None', host } : { mode: 'Direct', device, host }, records: [] };
}

const isAsAsked = ({ ends, begun }: SwitchPorts, definition: NetworkDefinition): boolean =>
  begun === undefined && isDeepStrictEqual(ends, endsFor(definition, ends));

/** What nobody speaks of is as it is: at first an adapter stays the host's, too, and a network among machines is theirs alone. */
function endsFor({ forward }: NetworkShape, has: SwitchEnds | undefined): SwitchEnds {
  if (forward.mode !== 'Direct') return { host: (forward.mode === 'None' ? forward.host : undefined) ?? has?.host ?? 'Detached' };
  return { device: forward.device, host: forward.host ?? (has?.device === undefined ? 'Attached' : has.host) };
}

/** @throws DriverError Unsupported for what might cut the host off */
function checkSafe(name: string, has: SwitchEnds | undefined, ends: SwitchEnds): void {
  if (has !== undefined && has.device === ends.device) return;
  const say = (leads: SwitchEnds) => (leads.device === undefined ? `mode None, host ${leads.host}` : `mode Direct, device ${leads.device}`);
  const is = has === undefined ? 'elsewhere: look at the host' : `by ${say(has)}`;
  const message = `network "${name}": forward: ${say(ends)} was given, and its switch leads ${is}`;
  throw new DriverError(
    'Unsupported',
    `${message}; as that might cut the host off, a switch keeps its adapter: delete the network, or make another`,
  );
}

/** @throws DriverError Unsupported */
function checkShape(name: string, { forward, mtu, vlan, ipv4, ipv6, domain, records }: NetworkShape): void {
  const dns = domain !== undefined || records.length > 0 || undefined;
  for (const [field, given] of Object.entries({ mtu, vlan, ipv4, ipv6, dns }))
    if (given !== undefined) throw refusal(name, field, 'a switch has none: leave it out');
  if (forward.mode !== 'None' && forward.mode !== 'Direct')
    throw refusal(name, `forward.mode: ${forward.mode}`, 'None, Direct, or the name of a switch that exists');
  if (forward.mode === 'Direct' && forward.host === 'Detached')
    throw refusal(name, 'forward.host: Detached', 'Attached with mode Direct, as the host might never be reached again');
}

const refusal = (name: string, given: string, accepted: string): DriverError =>
  new DriverError('Unsupported', `network "${name}": ${given} was given; accepted: ${accepted}`);
