import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';

/** A network adapter of the host's that a switch of version 1 leads to: what Windows shows of the switch. */
export interface InternalPort {
  readonly id: string;
  readonly name: string;
  readonly friendlyName: string;
  /** 12 digits. */
  readonly mac: string;
}

/** How a port of a switch treats tags: 2 is access, 5 is trunk; no tag is 0. */
export interface Vlan {
  readonly mode: string;
  readonly access: string;
  readonly native: string;
  readonly trunked: readonly string[];
}

const untagged: Vlan = { mode: '2', access: '0', native: '0', trunked: [] };

/** Of version 1: what is between the ports of switches and the host's network adapters, all of it by names that whoever makes them chooses. */
export class Wiring {
  readonly internal = new Map<string, InternalPort>();
  /** Ids of adapters that switches may be joined to. */
  readonly bound = new Set<string>();
  /** Ids of adapters, the host's own and internal ones, by the port that is joined to them. */
  readonly #joined = new Map<string, string>();
  readonly #vlans = new Map<string, Vlan>();

  vlan(port: string): Vlan {
    return this.#vlans.get(port) ?? untagged;
  }

  tag(port: string, vlan: Partial<Vlan>): void {
    this.#vlans.set(port, { ...this.vlan(port), ...vlan });
  }

  joinedTo(port: string): string | undefined {
    return this.#joined.get(port);
  }

  portOf(adapter: string): string | undefined {
    return [...this.#joined].find(([, id]) => id === adapter)?.[0];
  }

  /** @throws Refusal */
  join(port: string, adapter: string): void {
    if (this.#joined.has(port) || this.portOf(adapter) !== undefined) throw new Refusal(codes.inUse, 'It is connected already.');
    this.#joined.set(port, adapter);
  }

  part(port: string): void {
    this.#joined.delete(port);
  }

  /** @throws Refusal */
  makeInternal(name: string, friendlyName: string, mac: string): InternalPort {
    if (this.internal.has(name)) throw new Refusal(codes.failed, `There is an Ethernet port '${name}' already.`);
    const made = { id: randomUUID().toUpperCase(), name, friendlyName, mac };
    this.internal.set(name, made);
    return made;
  }

  /** Of a port that goes. @throws Refusal while it is joined to something */
  forget(port: string): void {
    if (this.#joined.has(port)) throw new Refusal(codes.invalidState, `The port '${port}' is connected.`);
    this.#vlans.delete(port);
  }
}
