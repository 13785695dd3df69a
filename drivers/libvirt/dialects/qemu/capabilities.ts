import type { Capability, DiskBus } from '#drivers/driver.js';
import { diskBuses, nativeBus, pluggableBuses } from '../../xml/bus.js';
import { bytesPerMiB, maxNameBytes } from '../../xml/definition.js';
import {
  bootsAnything,
  cpuShares,
  devicesMeasured,
  diskWords,
  graphicsServer,
  interfaceWords,
  pluggedInterfaces,
  seeds,
} from '../capabilities.js';
import { canBootSecurely, canEmulateTpm, canShow, firmwaresOf, mostOf, type QemuOffer } from './offer.js';
import type { Finding } from './probe.js';

export function capabilitiesOf(offer: QemuOffer): readonly Capability[] {
  const { domain, kvm } = offer;
  return [
    accelerators(kvm),
    ...sizes(offer, { cpu: { change: 'Hotplug' }, memory: { change: 'Live' } }),
    cpuShares,
    ...(domain.diskBuses.includes('virtio') ? [...diskWords, ...busesOf(domain.diskBuses, true)] : []),
    ...interfaceWords,
    ...pluggedInterfaces,
    { field: 'firmware.type', values: firmwaresOf(domain) },
    ...(canBootSecurely(domain) ? [{ field: 'firmware.secureBoot', reason: 'with UEFI' }] : []),
    ...(canEmulateTpm(domain) ? [{ field: 'firmware.tpm', values: ['V2'] }] : []),
    ...bootsAnything,
    { field: 'power.startPaused' },
    { field: 'power.pause' },
    { field: 'power.reset' },
    { field: 'power.save' },
    { field: 'volumes.growAttached' },
    ...devicesMeasured,
    { field: 'devices.serial' },
    { field: 'devices.serial.log', reason: 'virtlogd keeps it, at most 2 MiB and three earlier parts' },
    { field: 'devices.guestAgent' },
    ...(canShow(domain) ? graphicsServer : []),
    ...seeds,
    ...(domain.rngBackends.includes('random') ? [{ field: 'devices.rng' }] : []),
  ];
}

/** How many CPUs and how much memory, and what a change takes while the machine runs. */
export function sizes(
  offer: QemuOffer,
  changes: { readonly cpu: Pick<Capability, 'change'>; readonly memory: Pick<Capability, 'change'> },
): readonly Capability[] {
  const { cpuCount, memoryBytes } = mostOf(offer);
  const reason = `${offer.machine?.canonical ?? 'a machine'} has at most ${cpuCount}`;
  return [
    { field: 'nativeName', max: maxNameBytes },
    { field: 'cpu.count', min: 1, max: cpuCount, reason, ...changes.cpu },
    { field: 'cpu.maxCount', min: 1, max: cpuCount },
    { field: 'memory.size', min: bytesPerMiB, max: memoryBytes, reason: 'whole MiB, and no more than the host has', ...changes.memory },
    { field: 'memory.maxSize', min: bytesPerMiB, max: memoryBytes },
  ];
}

/** Which of our buses this machine type has, and what goes while it runs. */
export function busesOf(native: readonly string[], isReal: boolean): readonly Capability[] {
  const has = (bus: DiskBus) => native.includes(nativeBus(bus));
  const live = isReal ? ({ change: 'Live' } as const) : {};
  return [
    { field: 'disks.bus', values: diskBuses.filter(has) },
    ...(native.includes('sata') ? [{ field: 'disks.cdrom', ...live }] : []),
    { field: 'disks.limits', ...live },
    ...(isReal ? [{ field: 'disks', values: pluggableBuses.filter(has), change: 'Hotplug' as const }] : []),
  ];
}

/** The best first. */
function accelerators(kvm: Finding | undefined): Capability {
  return {
    field: 'accelerator',
    values: kvm?.works === true ? ['KVM', 'TCG'] : ['TCG'],
    reason: kvm?.reason ?? 'the host offers no KVM',
  };
}
