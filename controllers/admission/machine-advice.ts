import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { describeUnfit } from '../fit.js';
import { type Duplicate, duplicates } from '../mac-addresses.js';
import { isMeant, nobodyMeant } from '../placement/choose.js';
import { misfits } from '../placement/filters/fit.js';
import { type Disk, isTwice, volumesOf } from '../stores.js';
import type { Known } from './known.js';
import { adviseContent } from './volume-advice.js';

/** Of a machine. Only one whose disks are one volume can never come to be: too costly a rule for the CRD. */
export function adviseMachine(machine: VirtualMachine, known: Known): { readonly warnings: readonly string[]; readonly refusal?: string } {
  const warnings = warningsOf(machine, known);
  const { disks } = volumesOf(machine);
  const twice = disks.find((name) => isTwice(name, disks));
  if (twice === undefined) return { warnings };
  const refusal = `spec.disks: two disks are StorageVolume "${twice}", by its name and as what a volumeTemplate makes (MACHINE-DISK); accepted is a volume for each`;
  return { warnings, refusal };
}

/** What it waits for, and what no host would do for it. */
function warningsOf(machine: VirtualMachine, known: Known): readonly string[] {
  const meant = known.hypervisors.list().filter((hypervisor) => isMeant(machine, hypervisor));
  return [
    ...(machine.spec.disks ?? []).flatMap((disk) => adviseDisk(machine, disk, known)),
    ...adviseKernel(machine, known),
    ...adviseInterfaces(machine, known),
    ...adviseAddresses(machine, meant, known),
    ...adviseUuid(machine, known),
    ...(meant.length === 0 ? [`spec.placement: ${nobodyMeant(machine)}`] : adviseFit(machine, meant, known)),
  ];
}

function adviseDisk(machine: VirtualMachine, { name, volumeRef, volumeTemplate, cdrom }: Disk, known: Known): readonly string[] {
  const path = `spec.disks[${name}]`;
  if (volumeTemplate !== undefined) return adviseContent(`${path}.volumeTemplate`, machine.metadata.namespace, volumeTemplate, known);
  if (cdrom !== undefined) return adviseVolumeRef(machine, `${path}.cdrom.volumeRef`, cdrom.volumeRef?.name, known);
  const claim = known.volumes.get(`${machine.metadata.namespace}/${volumeRef?.name}`)?.status?.claim;
  if (claim === undefined || claim.uid === machine.metadata.uid)
    return adviseVolumeRef(machine, `${path}.volumeRef`, volumeRef?.name, known);
  return [
    `${path}.volumeRef: StorageVolume "${volumeRef?.name}" is a disk of machine "${claim.machine}", and has one writer; this machine waits for it`,
  ];
}

function adviseVolumeRef({ metadata }: VirtualMachine, path: string, name: string | undefined, { volumes }: Known): readonly string[] {
  if (name === undefined) return [];
  const volume = volumes.get(`${metadata.namespace}/${name}`);
  if (volume === undefined) return [`${path}: there is no StorageVolume "${name}" yet`];
  return volume.metadata.deletionTimestamp === undefined ? [] : [`${path}: StorageVolume "${name}" is being deleted`];
}

function adviseKernel(machine: VirtualMachine, known: Known): readonly string[] {
  const kernel = machine.spec.boot?.kernel;
  return [
    ...adviseVolumeRef(machine, 'spec.boot.kernel.volumeRef', kernel?.volumeRef.name, known),
    ...adviseVolumeRef(machine, 'spec.boot.kernel.initrdVolumeRef', kernel?.initrdVolumeRef?.name, known),
  ];
}

const adviseInterfaces = ({ metadata, spec }: VirtualMachine, { networks }: Known): readonly string[] =>
  (spec.interfaces ?? [])
    .filter(({ networkRef }) => networks.get(`${metadata.namespace}/${networkRef.name}`) === undefined)
    .map(({ name, networkRef }) => `spec.interfaces[${name}].networkRef: there is no VirtualNetwork "${networkRef.name}" yet`);

/** Where it is, or on every host where it could be. */
function adviseAddresses(machine: VirtualMachine, meant: readonly Hypervisor[], known: Known): readonly string[] {
  const bound = machine.status?.hypervisor;
  const hosts = bound === undefined ? meant.map(({ metadata }) => metadata.name) : [bound];
  let taken: readonly Duplicate[] | undefined;
  for (const host of hosts) {
    const here = duplicates(machine, host, known);
    taken = (taken ?? here).filter((one) => here.some((other) => other.interface === one.interface));
    if (taken.length === 0) return [];
  }
  return (taken ?? []).map(({ because }) => `spec.interfaces: ${because}`);
}

function adviseUuid({ metadata, spec }: VirtualMachine, { machines }: Known): readonly string[] {
  const other = spec.uuid === undefined ? undefined : machines.byIndex('uuid', spec.uuid).find((one) => one.metadata.uid !== metadata.uid);
  return other === undefined
    ? []
    : [`spec.uuid: machine "${other.metadata.namespace}/${other.metadata.name}" has ${spec.uuid}; leave it out, or give another`];
}

/** When every host that is meant has said what it can, and none can do it. The first that can ends the search. */
function adviseFit(machine: VirtualMachine, meant: readonly Hypervisor[], { volumes }: Known): readonly string[] {
  const { disks, readOnly } = volumesOf(machine);
  const present = [...disks, ...readOnly].flatMap((name) => volumes.get(`${machine.metadata.namespace}/${name}`) ?? []);
  const told: string[] = [];
  for (const [at, hypervisor] of meant.entries()) {
    if (hypervisor.status?.capabilities === undefined) return [];
    const unfit = misfits({ machine, volumes: present }, hypervisor);
    if (unfit.length === 0) return [];
    if (at < 3) told.push(...unfit.slice(0, 3).map((misfit) => describeUnfit(misfit, hypervisor.metadata.name)));
  }
  return told;
}
