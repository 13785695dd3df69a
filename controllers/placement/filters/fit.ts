import type { Hypervisor, VirtualMachineSpec } from '#crds/types.js';
import type { MachineSeed, SeedKind } from '#drivers/driver.js';
import { type Asked, describeUnfit, type Unfit, unfitMachine } from '../../fit.js';
import { nativeName } from '../../host/scope.js';
import { volumeOfDisk } from '../../stores.js';
import { asked } from '../../virtual-machine/asked.js';
import { cdromHardware, containerHardware, diskHardware, interfaceHardware, plainHardware } from '../../virtual-machine/hardware.js';
import { carries, seedKind } from '../../virtual-machine/seed-kind.js';
import { capabilitiesOf, type Published } from '../capabilities.js';
import type { Objection } from '../objection.js';
import type { Request } from '../request.js';
import type { Filter } from './filter.js';

/** Hosts that can the same are judged once. */
export const fit: Filter = (request, hypervisor) => {
  const published = capabilitiesOf(hypervisor);
  const name = nativeName({ hypervisor }, request.machine.metadata.namespace, request.machine.metadata.name);
  const judged = request.fits.get(published) ?? new Map<string, Objection | undefined>();
  if (!judged.has(name)) judged.set(name, judge(request, name, published));
  request.fits.set(published, judged);
  return judged.get(name);
};

function judge(request: Request, name: string, { capabilities }: Published): Objection | undefined {
  const misfits = misfitsOf(request, name, capabilities);
  if (misfits.length === 0) return undefined;
  return { reason: 'Unfit', message: misfits.map((misfit) => describeUnfit(misfit, 'this host')).join('; ') };
}

type Wanted = Pick<Request, 'machine' | 'volumes'>;

/** What of the machine this host cannot honour, as far as it has said what it can. */
export function misfits(wanted: Wanted, hypervisor: Hypervisor): readonly Unfit[] {
  const { capabilities } = capabilitiesOf(hypervisor);
  const { namespace, name } = wanted.machine.metadata;
  return misfitsOf(wanted, nativeName({ hypervisor }, namespace, name), capabilities);
}

export const misfitsOf = (wanted: Wanted, name: string, capabilities: Published['capabilities']): readonly Unfit[] =>
  unfitMachine(askedOf(wanted, name, capabilities), capabilities);

function askedOf({ machine, volumes }: Wanted, name: string, capabilities: Published['capabilities']): readonly Asked[] {
  const { spec } = machine;
  const formatOf = (volumeName: string) => {
    const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
    const format = volume?.status?.format ?? volume?.spec.format ?? unconvertible(volume?.spec.source?.format, capabilities);
    return format === undefined ? {} : { format };
  };
  const drives = spec.disks ?? [];
  const kind = seedKind(spec);
  return asked({
    ...plainHardware(spec),
    nativeName: name,
    disks: drives
      .filter(({ cdrom }) => cdrom === undefined)
      .map((disk) => ({ ...diskHardware(disk), location: '', ...formatOf(volumeOfDisk(machine, disk)) })),
    cdroms: drives.filter(({ cdrom }) => cdrom !== undefined).map(cdromHardware),
    interfaces: (spec.interfaces ?? []).map((one) => ({ ...interfaceHardware(one), network: one.networkRef.name })),
    ...(spec.boot?.kernel === undefined ? {} : { boot: { kernel: '' } }),
    ...(kind === undefined ? {} : { seed: seedFor(kind, spec, capabilities) }),
    ...(spec.container === undefined ? {} : { container: { ...containerHardware(spec.container), root: '' } }),
  });
}

/** Of what a Secret has nobody knows yet how long it is. */
function seedFor(kind: SeedKind, { ignition }: VirtualMachineSpec, capabilities: Published['capabilities']): MachineSeed {
  const content = carries(capabilities, kind) && ignition?.config !== undefined ? { content: Buffer.from(ignition.config) } : {};
  return { kind, location: '', ...content };
}

/**
 * An image that the host has no format for can become Raw or Qcow2; or a disk of Hyper-V, where that takes content, which it tells by the Raw volumes
 * that it then has. What it has volumes of stays as it is.
 */
const unconvertible = (format: string | undefined, capabilities: Published['capabilities']): string | undefined => {
  const valuesOf = (wanted: string) => capabilities.find(({ field }) => field === wanted)?.values ?? [];
  const [accepted, stored] = [valuesOf('disks.format'), valuesOf('volumes.format')];
  if (accepted.includes('Raw') || accepted.includes('Qcow2')) return undefined;
  return stored.includes('Raw') && !stored.includes(format ?? '') ? undefined : format;
};
