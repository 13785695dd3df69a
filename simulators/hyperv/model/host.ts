import { randomUUID } from 'node:crypto';
import type { Happening } from '../cim/namespace.js';
import type { CimObject } from '../cim/object.js';
import { pathOf } from '../cim/object.js';
import type { Store } from '../disks/store.js';
import { Jobs, jobObject } from './jobs.js';
import type { Language } from './languages.js';
import type { Machine } from './machine.js';
import { type Adapter, newSwitch, type Switch } from './switch.js';
import { Troubles } from './troubles.js';
import { Wiring } from './wiring.js';
import type { Words } from './words.js';

export interface HostOptions {
  readonly server: string;
  readonly language: Language;
  readonly words: Words;
  readonly store: Store;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** All but Server 2008, and 2008 R2 before its first service pack. */
  readonly hasDynamicMemory: boolean;
  /** In milliseconds: how long a job takes, and a change of state with it. */
  readonly jobMs: number;
  /** Whether everything that changes something is done by a job; else only what takes long is. */
  readonly byJob: boolean;
}

/** A host with its machines, as far as WMI shows them. */
export class Host {
  readonly options: HostOptions;
  /** The SMBIOS uuid. */
  readonly uuid = randomUUID().toUpperCase();
  readonly machines = new Map<string, Machine>();
  readonly switches = new Map<string, Switch>();
  readonly adapters: readonly Adapter[] = [
    { id: randomUUID().toUpperCase(), name: 'Ethernet', mac: '00155D010001' },
    { id: randomUUID().toUpperCase(), name: 'Intel(R) 82574L Gigabit Network Connection #2', mac: '00155D010002' },
  ];
  /** Of version 1. */
  readonly wiring = new Wiring();
  /** Its folders that others may use, by the share's name; and who has disks in them, under which UNC path. */
  readonly shares = new Map<string, { readonly path: string; readonly clients: { readonly host: Host; readonly unc: string }[] }>();
  /** Where disks go when nobody says where. */
  usualFolder = 'C:\\Hyper-V\\Virtual Hard Disks';
  readonly troubles = new Troubles();
  readonly jobs: Jobs;
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  readonly #listeners = new Set<(happening: Happening) => void>();
  #cards = 0;

  constructor(options: HostOptions) {
    this.options = options;
    this.jobs = new Jobs(
      () => this.options.jobMs,
      (job) => this.happens('__InstanceModificationEvent', jobObject(job)),
    );
    const first = newSwitch({ ElementName: 'Default Switch', Notes: [''] });
    this.switches.set(first.id, first);
  }

  get words(): Words {
    return this.options.words;
  }

  /** Where an object lies, as texts have it. */
  path(of: CimObject): string {
    return pathOf(of, this.words.classes, this.options.server, this.words.namespace);
  }

  /** An address such as Hyper-V gives a card that has none. */
  newMac(): string {
    this.#cards += 1;
    return `00155D00${this.#cards.toString(16).toUpperCase().padStart(4, '0')}`;
  }

  /** In bytes: what no running machine has. */
  get freeMemory(): number {
    const used = [...this.machines.values()]
      .filter(({ state }) => state === 'running' || state === 'paused')
      .reduce((sum, machine) => sum + machine.number('Msvm_MemorySettingData', 'VirtualQuantity') * 2 ** 20, 0);
    return this.options.memoryBytes - used;
  }

  happens(eventClass: Happening['eventClass'], target: CimObject): void {
    for (const hear of this.#listeners) hear({ eventClass, target });
  }

  readonly listen = (hear: (happening: Happening) => void): (() => void) => {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  };

  close(): void {
    this.jobs.close();
  }
}
