import type { MachineDefinition, XenMode } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from '../../daemon.js';
import { connectGetDomainCapabilities } from '../../rpc/procedures.js';
import { type GuestOffer, readDomainCapabilities } from '../../xml/capabilities.js';
import { refuse } from '../../xml/definition.js';
import type { HostFacts, MachineOffer, Means } from '../dialect.js';
import { mustFit } from '../fits.js';
import { capabilitiesOf } from './capabilities.js';
import { createDomain } from './domain.js';
import { emulatorsBeside, findEmulator } from './emulator.js';
import { machineOf, xenModes } from './mode.js';

/** What this host gives to machines of Xen; undefined where it gives nothing. */
export async function findOffer(
  { host: { guests, architecture }, memoryBytes }: HostFacts,
  { daemon }: Means,
  signal: AbortSignal,
): Promise<MachineOffer | undefined> {
  if (architecture !== 'x86_64') return undefined;
  const those = guests.filter((guest) => guest.architecture === architecture && guest.domainTypes.includes('xen'));
  const { emulator, lacking } = await pcOf(those, daemon, signal);
  const modes = xenModes.filter((mode) => those.some(gives(mode)) && (mode !== 'HVM' || emulator !== undefined));
  const [mode] = modes;
  if (mode === undefined) return undefined;
  const cpuCount = await mostCpus(mode, daemon, signal);
  const pcCpuCount = emulator === undefined ? cpuCount : await mostCpus('HVM', daemon, signal);
  const capabilities = capabilitiesOf({ modes, cpuCount, memoryBytes, ...(lacking === undefined ? {} : { lacking }) });
  return {
    capabilities,
    check: (definition) => {
      mustFit(definition, { host: 'Xen', capabilities });
      if (definition.xen?.mode === 'HVM') mustHaveCpus(definition, pcCpuCount);
      else mustBeginWithKernel(definition);
    },
    create: (definition, mark) => createDomain(definition, mark, { mode, architecture, ...(emulator === undefined ? {} : { emulator }) }),
  };
}

const gives =
  (mode: XenMode) =>
  ({ machines }: GuestOffer): boolean =>
    machines.some(({ name }) => name === machineOf(mode));

/** What an HVM machine has for its devices; or why there is none, where there could be. */
async function pcOf(
  guests: readonly GuestOffer[],
  daemon: Daemon,
  signal: AbortSignal,
): Promise<{ readonly emulator?: string; readonly lacking?: string }> {
  const pc = guests.find(gives('HVM'));
  if (pc === undefined) return {};
  const places = emulatorsBeside(pc.emulator);
  const emulator = await findEmulator(places, daemon, signal);
  return emulator === undefined ? { lacking: `HVM needs Xen's QEMU, at ${places.join(' or ')}` } : { emulator };
}

async function mostCpus(mode: XenMode, daemon: Daemon, signal: AbortSignal): Promise<number> {
  const what = { emulator: undefined, arch: 'x86_64', machine: machineOf(mode), virtType: 'xen', flags: 0 };
  return readDomainCapabilities(await daemon.order(connectGetDomainCapabilities, what, signal)).maxVcpus ?? 1;
}

/** A PC has fewer. */
function mustHaveCpus({ cpuCount, maxCpuCount = cpuCount }: MachineDefinition, most: number): void {
  if (cpuCount > most) refuse('cpu.count', cpuCount, `at most ${most} with xen.mode HVM`);
  if (maxCpuCount > most) refuse('cpu.maxCount', maxCpuCount, `at most ${most} with xen.mode HVM`);
}

/** The host could look for one on the disk (pygrub), and would read what the guest has written there. */
function mustBeginWithKernel({ boot }: MachineDefinition): void {
  if (boot !== undefined) return;
  throw new DriverError(
    'Unsupported',
    'boot.kernel: nothing was given; accepted: a kernel in a volume, as PV and PVH begin with one, or xen.mode HVM',
  );
}
