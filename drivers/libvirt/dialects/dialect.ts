import type { Capability, Hardware, Live, MachineDefinition, MachineShape, Mark, ProvenOn } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from '../daemon.js';
import type { Connection } from '../rpc/connection.js';
import type { HostCapabilities } from '../xml/capabilities.js';
import type { Names } from '../xml/names.js';
import type { Unsaid } from '../xml/unsaid.js';
import type { KvmMemory } from './qemu/kvm-memory.js';

/**
 * How one of libvirt's drivers has its machines written, and what it can be asked. libvirt's XML is one language; each of its drivers speaks
 * a dialect of it, with words of its own, and takes no notice of others.
 */
export interface Dialect {
  /** Whose machines can be defined, for people: `QEMU on x86_64`. */
  readonly accepted: string;
  readonly provenOn: ProvenOn;
  /** What this host gives to new machines. Undefined when it has no kind of machine that we know to define. */
  offer(host: HostFacts, means: Means, signal: AbortSignal): Promise<MachineOffer | undefined>;
  /**
   * Refuses what can never be said to the letter, whatever the host.
   * @throws DriverError Invalid or Unsupported, naming the field, what was given, and what would be accepted
   */
  check(definition: MachineDefinition): void;
  /**
   * What the host's own files tell of what is asked of a machine, which may be there already, before it is checked against the offer and
   * written. @throws DriverError
   */
  readonly located?: (definition: MachineDefinition, daemon: Daemon, native: XmlElement | undefined) => Promise<MachineDefinition>;
  /** The domain made to say what definition and mark say, and changed nowhere else; unchanged is the same object. @throws as `check` */
  edit(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement;
  readShape(domain: XmlElement): MachineShape;
  readHardware(domain: XmlElement): Hardware;
  /** What a domain that others made has beside its shape, where its words are other ones than a machine's. */
  readonly unsaid?: (named: XmlElement) => Unsaid;
  /** Where its devices carry the names that the manifest gives them. */
  readonly names: Names;
  /** `OfTheirOwn`: each machine has a console, whether the manifest asks for it or not; one that it does not ask for is not opened. */
  readonly consoles?: 'OfTheirOwn';
  readonly power: PowerWays;
  /** Where changes in what runs go another way than with QEMU. */
  readonly live?: (daemon: Daemon) => Live;
  /** Its daemon lets any number of openers have a console at once, and knows no word for more. */
  readonly sharesConsoles?: true;
  /** Its machines have directories as roots, and not disks. */
  readonly directories?: true;
}

/** What this host gives to new machines, as it was found out once. */
export interface MachineOffer {
  /** Of machines; what pools and networks are like, another part of the daemon says. */
  readonly capabilities: readonly Capability[];
  /**
   * Refuses what the host does not accept: it might take the definition, and fail when the machine is started.
   * @throws DriverError Invalid or Unsupported, naming the field, what was given, and what would be accepted
   */
  check(definition: MachineDefinition): void;
  /** A new domain. */
  create(definition: MachineDefinition, mark: Mark): XmlElement;
}

/** A host, as its daemon tells of it. */
export interface HostFacts {
  readonly host: HostCapabilities;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

/** How more of a host is found out. */
export interface Means {
  readonly daemon: Daemon;
  /** A further connection to the same daemon, for what must end with a connection. */
  readonly openAnother: (signal: AbortSignal) => Promise<Connection>;
  readonly memory: KvmMemory;
}

export interface PowerWays {
  /** `Natively`; `ThenPaused`: started and paused at once, where a guest executes nothing in between; `Never`. */
  readonly startsPaused: 'Natively' | 'ThenPaused' | 'Never';
  /** The host writes what runs to its disk. */
  readonly saves?: true;
  /** How a guest is asked to power itself off: flags of DOMAIN_SHUTDOWN_FLAGS. */
  readonly shutdown: number;
  /** `OnlyOnceHeard`: the host's answer to that comes once the guest has heard, which it may never do. */
  readonly answersShutdown?: 'OnlyOnceHeard';
}
