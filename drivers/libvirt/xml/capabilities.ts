import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { wholeNumber } from './units.js';

/** What a daemon says of its host and of the guests it can run: the answer to CONNECT_GET_CAPABILITIES. */
export interface HostCapabilities {
  readonly architecture: string;
  readonly guests: readonly GuestOffer[];
}

/** One kind of guest that the host can run, on one architecture. */
export interface GuestOffer {
  /** `hvm`, `xen`, `exe`. */
  readonly osType: string;
  readonly architecture: string;
  /** libvirt's `<domain type=>`: `qemu`, `kvm`, `lxc`, … */
  readonly domainTypes: readonly string[];
  readonly emulator: string | undefined;
  readonly machines: readonly MachineType[];
}

export interface MachineType {
  /** What may be asked for: an alias such as `q35`, or the type itself. */
  readonly name: string;
  /** What the alias stands for today, e.g. `pc-q35-7.2`. */
  readonly canonical: string;
  readonly maxCpus: number | undefined;
}

/** What one emulator gives to one kind of machine: the answer to CONNECT_GET_DOMAIN_CAPABILITIES. */
export interface DomainCapabilities {
  readonly emulator: string | undefined;
  readonly domainType: string | undefined;
  readonly machine: string | undefined;
  readonly architecture: string | undefined;
  readonly maxVcpus: number | undefined;
  /** `host-model`, `maximum`, …: those that are supported. */
  readonly cpuModes: readonly string[];
  /** What the host can choose firmware of: `efi`, `bios`. */
  readonly firmwares: readonly string[];
  /** Whether one of them can be had with secure boot. */
  readonly hasSecureBoot: boolean;
  /** What a TPM can be for the guest, and behind it. */
  readonly tpmModels: readonly string[];
  readonly tpmBackends: readonly string[];
  readonly diskBuses: readonly string[];
  readonly graphics: readonly string[];
  readonly videos: readonly string[];
  readonly rngModels: readonly string[];
  readonly rngBackends: readonly string[];
}

export function readCapabilities(xml: string): HostCapabilities {
  const root = parseXml(xml, 'capabilities XML');
  return {
    architecture: textOf(child(root, 'host', 'cpu', 'arch')) ?? '',
    guests: elements(root, 'guest').flatMap((guest) => elements(guest, 'arch').map((arch) => guestOffer(guest, arch))),
  };
}

/** As whom the daemon starts QEMU, by its own account of file permissions: `+64055:+109`. */
export function readQemuIdentity(xml: string): { readonly uid: number; readonly gid: number } | undefined {
  const models = elements(child(parseXml(xml, 'capabilities XML'), 'host'), 'secmodel');
  const labels = elements(
    models.find((model) => textOf(child(model, 'model')) === 'dac'),
    'baselabel',
  );
  const [, uid, gid] = /^\+(\d+):\+(\d+)$/.exec(textOf(labels.find((label) => attribute(label, 'type') === 'qemu')) ?? '') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function guestOffer(guest: XmlElement, arch: XmlElement): GuestOffer {
  return {
    osType: textOf(child(guest, 'os_type')) ?? '',
    architecture: attribute(arch, 'name') ?? '',
    domainTypes: elements(arch, 'domain').flatMap((domain) => attribute(domain, 'type') ?? []),
    emulator: textOf(child(arch, 'emulator')),
    machines: machineTypes(elements(arch, 'machine')),
  };
}

/** Repeated under each domain type by some versions: the first of a name counts. */
function machineTypes(machines: readonly XmlElement[]): readonly MachineType[] {
  const read = machines.map((machine) => {
    const name = textOf(machine) ?? '';
    return { name, canonical: attribute(machine, 'canonical') ?? name, maxCpus: wholeNumber(attribute(machine, 'maxCpus')) };
  });
  return [...new Map(read.toReversed().map((machine) => [machine.name, machine])).values()].toReversed();
}

export function readDomainCapabilities(xml: string): DomainCapabilities {
  const root = parseXml(xml, 'domain capabilities XML');
  const devices = child(root, 'devices');
  return {
    emulator: textOf(child(root, 'path')),
    domainType: textOf(child(root, 'domain')),
    machine: textOf(child(root, 'machine')),
    architecture: textOf(child(root, 'arch')),
    maxVcpus: wholeNumber(attribute(child(root, 'vcpu'), 'max')),
    cpuModes: elements(child(root, 'cpu'), 'mode')
      .filter(supported)
      .flatMap((mode) => attribute(mode, 'name') ?? []),
    firmwares: values(child(root, 'os'), 'firmware'),
    hasSecureBoot: values(child(root, 'os', 'loader'), 'secure').includes('yes'),
    tpmModels: values(child(devices, 'tpm'), 'model'),
    tpmBackends: values(child(devices, 'tpm'), 'backendModel'),
    diskBuses: values(child(devices, 'disk'), 'bus'),
    graphics: values(child(devices, 'graphics'), 'type'),
    videos: values(child(devices, 'video'), 'modelType'),
    rngModels: values(child(devices, 'rng'), 'model'),
    rngBackends: values(child(devices, 'rng'), 'backendModel'),
  };
}

/** The files of firmware that one emulator finds on its host. */
export function readLoaders(xml: string): readonly string[] {
  const loader = child(parseXml(xml, 'domain capabilities XML'), 'os', 'loader');
  if (loader === undefined || !supported(loader)) return [];
  return elements(loader, 'value').map((value) => textOf(value) ?? '');
}

function supported(feature: XmlElement): boolean {
  return attribute(feature, 'supported') === 'yes';
}

/** The values of the enum of that name within a supported feature. */
function values(feature: XmlElement | undefined, name: string): readonly string[] {
  if (feature === undefined || !supported(feature)) return [];
  const found = elements(feature, 'enum').find((each) => attribute(each, 'name') === name);
  return elements(found, 'value').map((value) => textOf(value) ?? '');
}

/** The guests' machine types that are preferred, best first; an alias stands for the newest of its line. */
const preferredMachines = ['q35', 'pc'];

/** The newest machine type of the best line that this guest offers. */
export function bestMachine(guest: GuestOffer): MachineType | undefined {
  return preferredMachines.flatMap((name) => guest.machines.find((machine) => machine.name === name) ?? [])[0];
}
