import type {
  Driver,
  Facet,
  MachineDefinition,
  MachineDisk,
  MachineId,
  MachineShape,
  PoolSource,
  VolumeDefinition,
  VolumeFormat,
} from '#drivers/driver.js';

/** What few drivers have: of a subject that has it, what is written down of its runs says so. */
export type RareFacet = 'snapshots';
export type OptionalFacet = Exclude<Facet, 'host' | 'machines' | 'power' | RareFacet>;

/** Puts back what a peer did. */
export type Undo = () => Promise<void>;

/**
 * What is done to the host behind the driver's back, with whatever tool that host has; machines by uuid. What a peer cannot do
 * is left out, and the checks that need it are skipped aloud.
 */
export interface Peer {
  destroy?(uuid: string): Promise<void>;
  pause?(uuid: string): Promise<void>;
  /** Kills the process that runs the machine. */
  kill?(uuid: string): Promise<void>;
  /** Takes the definition away from a running machine. */
  undefine?(uuid: string): Promise<void>;
  /** In the definition, not in the running machine. */
  editMemory?(uuid: string, memoryBytes: number): Promise<void>;
  /** Adds something to the definition that no driver of ours writes; resolves to a look whether it is there. */
  decorate?(uuid: string): Promise<() => Promise<boolean>>;
  /** A text that differs after every write of the definition, also after one that changed nothing: a count, a time. */
  writeTrace?(uuid: string): Promise<string>;
  /** Makes verbs that need the machine itself go unanswered, e.g. by stopping its process. */
  hang?(uuid: string): Promise<Undo>;
  /** Makes a machine without a mark, off. */
  strangersMachine?(identity: Pick<MachineDefinition, 'uuid' | 'nativeName'>): Promise<Undo>;
  strangersPool?(identity: { readonly uuid: string; readonly nativeName: string; readonly path: string }): Promise<Undo>;
  /** The pool's directory is made for it. */
  startPool?(uuid: string): Promise<Undo>;
  /** Makes a network that is not active. */
  strangersNetwork?(nativeName: string): Promise<{ readonly start: () => Promise<void>; readonly remove: Undo }>;
  putFile?(path: string, content: Uint8Array): Promise<void>;
  /** Breaks all connections to the host; new ones can be made. */
  disconnect?(): Promise<void>;
}

/** How to get a guest of some kind into a machine, before it is defined. */
export interface GuestRecipe {
  prepare(definition: MachineDefinition): Promise<MachineDefinition>;
  /** Resolves when the started guest is up. */
  ready?(driver: Driver, id: MachineId): Promise<void>;
}

export interface Guests {
  /** Hears the power button. */
  readonly hearing?: GuestRecipe;
  /** Does not hear it. A machine without a system often is. */
  readonly deaf?: GuestRecipe;
  /** Turns itself off soon after it was started. */
  readonly leaving?: GuestRecipe;
  /** Prints `prints` on its serial console when it boots, and repeats what is typed. `startsAnew`: it may first boot in vain, and its console then ends. */
  readonly talking?: GuestRecipe & { readonly prints: string; readonly startsAnew?: true };
  /** Has an agent, which says `hostname` and the id `system`. */
  readonly telling?: GuestRecipe & { readonly hostname: string; readonly system: string };
  /** A machine that can be defined and not be started. */
  readonly unstartable?: GuestRecipe;
}

/**
 * What a host cannot do however it is asked: start a machine paused, reset one, reset one that is paused, tell why a machine is off, make pools (an
 * existing one is given instead), make networks, take or give a volume's content, have a disk whose file is not there, give a machine another
 * firmware than it was made with, have disks at all.
 */
export type Inability =
  | 'startPaused'
  | 'reset'
  | 'resetPaused'
  | 'tellWhyOff'
  | 'makePools'
  | 'makeNetworks'
  | 'stream'
  | 'imagineDisks'
  | 'askMachines'
  | 'changeFirmware'
  | 'haveDisks';

/** A driver under contract, with a host that the suite may use as it likes. */
/** What tells where a volume lies. */
export type PlacedVolume = Pick<VolumeDefinition, 'nativeName' | 'format'> & Partial<Pick<VolumeDefinition, 'sizeBytes'>>;

export interface Subject {
  readonly name: string;
  /** A new connection, always to the same host. */
  connect(): Promise<Driver>;
  /** The facets this host has not: an absence is stated, never found. */
  readonly without?: readonly OptionalFacet[];
  readonly peer: Peer;
  readonly guests?: Guests;
  /** What every machine of the suite has, unless a check asks for more. One CPU, 64 MiB and nothing else when left out. */
  readonly shape?: Partial<MachineShape>;
  /** Stated, and skipped aloud. */
  readonly cannot?: readonly Inability[];
  /** A disk of that name that can be given to machines, where one cannot be imagined: of that format where the host has it. */
  readonly disk?: (name: string, format: VolumeFormat) => Promise<Pick<MachineDisk, 'location' | 'format'>>;
  /** The location of an image of a disc that is there, where none can be uploaded. */
  readonly disc?: (name: string) => Promise<string>;
  /** A network adapter of the host that nothing needs, where networks may be beside the host on one (`Direct`). */
  readonly adapter?: string;
  /** The native name of a pool that the host has, where none can be made. */
  readonly pool?: string;
  /** In bytes: a size that volumes can have; 1 MiB when left out. */
  readonly volumeBytes?: number;
  /** Where a volume lies; directly in the pool's path under its name when left out. */
  readonly locate?: (path: string, volume: PlacedVolume) => string;
  /** A directory on the host under which pools may be made; needed where there are pools. Files are left in it. */
  readonly directory?: string;
  /** A store that can be made a pool of, one for each name; a directory below `directory` when left out. */
  readonly source?: (name: string) => Promise<PoolSource>;
  /** Its machines are only pretended, and start whatever they lack. */
  readonly pretends?: true;
  /** Lets some time pass between two looks: 50 ms when left out. */
  readonly pass?: () => Promise<void>;
  /** How many looks a change may take before it counts as not happening: 200 when left out. */
  readonly looks?: number;
  /** How long all of it may take, in milliseconds: five minutes when left out. */
  readonly patienceMs?: number;
}
