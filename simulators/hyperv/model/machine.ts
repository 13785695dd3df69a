import type { Values } from '../cim/object.js';
import type { Device } from './device.js';
import type { State, Transition, Words } from './words.js';

/** What a guest does of itself, and says of itself. */
export interface Guest {
  /** Whether the integration services run, by which it can be asked to shut down. */
  readonly integration: boolean;
  /** Whether it then does. */
  readonly heeds: boolean;
  /** By MAC address, 12 digits. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** KVP. */
  readonly items: Readonly<Record<string, string>>;
}

export const usualGuest: Guest = { integration: true, heeds: true, addresses: {}, items: {} };

/** A machine's settings and parts as they were at a time. */
export interface Snapshot {
  readonly id: string;
  readonly parent: string | undefined;
  settings: Values;
  readonly devices: readonly Device[];
  readonly features: Machine['features'];
  readonly hostItems: Machine['hostItems'];
  /** With what ran in it: applied, the machine is saved. */
  readonly hasMemory: boolean;
  readonly createdAt: number;
}

export class Machine {
  /** A GUID in upper case. */
  readonly id: string;
  readonly words: Words;
  /** Of the VirtualSystemSettingData; in v1 of the global one, too. */
  settings: Values;
  devices: readonly Device[];
  state: State = 'off';
  transition: Transition | undefined;
  guest: Guest = usualGuest;
  /** What the host tells its guest, by name: KVP in the other direction. */
  hostItems: ReadonlyMap<string, string> = new Map();
  snapshots: readonly Snapshot[] = [];
  /** The one it goes on from. */
  lastSnapshot: string | undefined;
  /** Files that checkpoints have put over its disks. */
  overlays: readonly string[] = [];
  isMerging = false;
  /** Its host has paused it, as what its guest writes finds no room. */
  isStarved = false;
  /** Settings of a card's connection, such as its VLAN, by their InstanceID. */
  features: ReadonlyMap<string, { readonly connection: string; readonly className: string; readonly values: Values }> = new Map();
  changedAt = Date.now();
  configuredAt = Date.now();
  startedAt: number | undefined;
  processId: number | undefined;
  /** What was written to it, for whoever counts. */
  writes = 0;

  constructor(id: string, words: Words, settings: Values, devices: readonly Device[]) {
    this.id = id;
    this.words = words;
    this.settings = settings;
    this.devices = devices;
  }

  get name(): string {
    const { ElementName } = this.settings;
    return typeof ElementName === 'string' ? ElementName : '';
  }

  get instanceId(): string {
    return `Microsoft:${this.id}`;
  }

  get generation(): 1 | 2 {
    return String(this.settings['VirtualSystemSubType'] ?? '').endsWith(':2') ? 2 : 1;
  }

  get enabledState(): number {
    return this.words.enabledState[this.transition ?? this.state];
  }

  /** As a part's own setting data has it. */
  deviceId({ suffix }: Device): string {
    return this.instanceId + suffix;
  }

  device(instanceId: string): Device | undefined {
    return this.devices.find((each) => this.deviceId(each).toLowerCase() === instanceId.toLowerCase());
  }

  /** Numbers of the one part of that class. */
  number(className: string, property: string): number {
    return Number(this.devices.find((each) => each.className === className)?.values[property] ?? 0);
  }

  replaceDevice(of: Device, values: Values): void {
    this.devices = this.devices.map((each) => (each === of ? { ...each, values: { ...each.values, ...values } } : each));
    this.writes += 1;
  }

  enter(state: State): void {
    if (state === 'running' && this.state !== 'paused') this.startedAt = Date.now();
    if (state === 'off' || state === 'saved') this.startedAt = undefined;
    this.state = state;
    this.transition = undefined;
    this.isStarved = false;
    this.changedAt = Date.now();
  }

  starve(): void {
    this.enter('paused');
    this.isStarved = true;
  }
}
