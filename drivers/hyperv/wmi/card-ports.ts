import { DriverError } from '#drivers/error.js';
import type { Reference } from '../wsman/instance.js';
import type { Call } from './assembly.js';
import type { Card } from './cards.js';
import { embedObject } from './class.js';
import { card as cardClass, switchPort } from './classes.js';
import type { MachineService } from './machine-service.js';
import type { Tagger } from './port-tags.js';
import type { NetworkSwitch } from './switch-shape.js';
import type { Wmi } from './wmi.js';
import { beginning, objectPath } from './wql.js';

/** Of version 1: a card is plugged into a port, which is made for it, has its name from it, and goes with it. */
export class CardPorts {
  readonly #wmi: Wmi;
  readonly #machines: MachineService;
  readonly #tagger: Tagger;
  readonly #call: Call;

  constructor(wmi: Wmi, machines: MachineService, tagger: Tagger, call: Call) {
    this.#wmi = wmi;
    this.#machines = machines;
    this.#tagger = tagger;
    this.#call = call;
  }

  /** From wherever it was plugged in before. The port has its tag before the card is plugged in, which so is never there with another. */
  async plug(system: Reference, card: Card, into: NetworkSwitch, vlan: number | undefined, signal: AbortSignal): Promise<void> {
    const before = await this.#ports(card, signal);
    const isThere = before.find(({ common }) => common.SystemName?.toUpperCase() === into.id);
    const port = isThere ?? (await this.#make(card, into, signal));
    await this.#tagger.tag(port.reference, vlan, signal);
    await this.#connect(system, card, [objectPath(this.#wmi.server, this.#wmi.namespace, port.reference)], signal);
    await this.#delete(
      before.filter((each) => each !== isThere),
      signal,
    );
  }

  /** While there is the card, whoever comes after us knows of its port. */
  async unplug(system: Reference, card: Card, signal: AbortSignal): Promise<void> {
    const ports = await this.#ports(card, signal);
    if (ports.length === 0) return;
    await this.#connect(system, card, [], signal);
    await this.#delete(ports, signal);
  }

  /** The same for the card of a saved machine, which is left as it is: it goes with its machine. */
  async forget(card: Card, signal: AbortSignal): Promise<void> {
    await this.#delete(await this.#ports(card, signal), signal);
  }

  /** What is left of where it was plugged in before. */
  async sweep({ strays = [] }: Card, signal: AbortSignal): Promise<void> {
    await this.#delete(
      strays.map((reference) => ({ reference })),
      signal,
    );
  }

  async #connect(system: Reference, card: Card, to: readonly string[], signal: AbortSignal): Promise<void> {
    const common = { InstanceID: card.reference.selectors['InstanceID'] ?? '', Connection: to };
    await this.#machines.alter(system, [embedObject(cardClass, { version: 'v1', common })], signal);
  }

  /** Names of ports are unique on the host, and a card has two while it goes from one switch to another. */
  async #make(card: Card, into: NetworkSwitch, signal: AbortSignal) {
    const name = `${beginOf(card)} ${into.id}`;
    await this.#call(
      'CreateSwitchPort',
      { VirtualSwitch: into.reference, Name: name, FriendlyName: card.name, ScopeOfResidence: '' },
      signal,
    );
    const made = (await this.#ports(card, signal)).find(({ common }) => common.SystemName?.toUpperCase() === into.id);
    if (made === undefined)
      throw new DriverError('Conflict', `the port for "${card.name}" of switch "${into.name}" was made, and is gone again`);
    return made;
  }

  async #delete(ports: readonly { readonly reference: Reference }[], signal: AbortSignal): Promise<void> {
    for (const { reference } of ports) await this.#call('DeleteSwitchPort', { SwitchPort: reference }, signal);
  }

  #ports(card: Card, signal: AbortSignal) {
    return this.#wmi.select(switchPort, beginning('Name', [beginOf(card)]), signal);
  }
}

const beginOf = ({ key }: Card): string => `virtwright ${key}`;
