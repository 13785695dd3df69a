export interface Host {
  /** Versions, capacity and what this host accepts, as data: published in status, so that placement needs no driver. */
  describe(signal: AbortSignal): Promise<HostDescription>;
}

export interface HostDescription {
  /** The hypervisor in the API's words, e.g. `QEMU`. */
  readonly hypervisor: string;
  /** Component to version, e.g. `{ QEMU: '7.2.22', libvirt: '9.0.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** What has shown, in the tests of this version, that the driver does on hosts of this kind what it says. */
  readonly provenOn: ProvenOn;
  readonly capabilities: readonly Capability[];
}

/** Hosts of this kind themselves; a stand-in that others wrote, or we; or texts compared with what libvirt's schema and its sources have, and no host at all. */
export type ProvenOn = 'Real' | 'ThirdPartySimulator' | 'OwnSimulator' | 'GoldenFiles';

/** Accepted values of one field (a path in the API's words, e.g. `cpu.count`), or its bounds (bytes for sizes; for `nativeName` its length in bytes). A field without a capability is not accepted at all; nor is a verb that has one, as `power.startPaused`. */
export interface Capability {
  readonly field: string;
  /** None: nothing is accepted, nor is the field where it takes no words; unless `within` says so. */
  readonly values?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** A definition that says nothing of the field is refused. */
  readonly required?: true;
  /** What is otherwise where another field is asked to be this; see `beside`. */
  readonly within?: readonly Within[];
  /** Why it is so, for people: `"KVM was tried: no serial output within 10 s"`. */
  readonly reason?: string;
  /**
   * What a change takes in a machine that is not Off: see `Live`. Absent: it waits for the machine's next start. Of the fields `disks` and
   * `interfaces` it is about adding and removing whole ones, `values` the buses or models with which that goes; CD-ROM drives never do, and
   * of `disks.cdrom` it is about the disc in one. `Recreate`: nothing changes it in a machine that is there, on or off; only one made anew,
   * from the same disks, has it otherwise.
   */
  readonly change?: 'Live' | 'Hotplug' | 'Recreate';
}

export interface Within {
  /** The other field, and what is asked of it. */
  readonly field: string;
  readonly value: string;
  /** Then these values alone are accepted; absent: any. */
  readonly values?: readonly string[];
  /** `false`: then nothing need be said of what is required else. */
  readonly required?: boolean;
}
