import type { Capability, Host, HostDescription, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { firmwareOf, maxBufferPercent, maxNameBytes, memoryStepBytes, minBufferPercent, minMemoryBytes } from './definition.js';
import type { Inventory } from './inventory.js';
import { comPortNames } from './notes.js';
import { hasDynamicMemory, maxDynamicBytes, type VersionLimits } from './wmi/limits.js';
import { nonsense } from './wsman/nonsense.js';

export class HypervHost implements Host {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async describe(signal: AbortSignal): Promise<HostDescription> {
    const [windows, capacity] = await Promise.all([
      cimv2(this.#inventory, 'Win32_OperatingSystem', signal),
      capacityOf(this.#inventory, signal),
    ]);
    return {
      hypervisor: 'Hyper-V',
      versions: { Windows: windows('Version'), WMI: this.#inventory.wmi.version },
      architecture: capacity.architecture,
      cpuCount: capacity.cpuCount,
      memoryBytes: capacity.memoryBytes,
      provenOn: 'OwnSimulator',
      capabilities: capabilitiesOf(this.#inventory, capacity, windows('Version')),
    };
  }
}

interface Capacity {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly architecture: string;
  /** The most that one machine may have. */
  readonly most: { readonly cpuCount: number; readonly memoryBytes: number };
}

function capabilitiesOf({ limits, wmi, contents, discs }: Inventory, { most }: Capacity, windows: string): readonly Capability[] {
  const firmwares = limits.generations.map(firmwareOf);
  return [
    { field: 'nativeName', max: maxNameBytes },
    {
      field: 'cpu.count',
      min: 1,
      max: most.cpuCount,
      reason: `a machine has no more than the host's logical processors, and at most ${limits.maxCpus}`,
    },
    { field: 'memory.size', min: minMemoryBytes, max: most.memoryBytes, reason: 'multiples of 2 MiB, and no more than the host has' },
    ...(hasDynamicMemory(wmi.version, windows) ? dynamicMemory(most.memoryBytes) : []),
    {
      field: 'firmware.type',
      values: firmwares,
      reason: 'generation 1 is BIOS, generation 2 UEFI; a machine keeps the one that it was made with',
      change: 'Recreate',
    },
    ...(firmwares.includes('UEFI') ? [{ field: 'firmware.secureBoot' }] : []),
    {
      field: 'hyperv.comPorts',
      values: comPortNames,
      reason: "each ends in a pipe of the host's, which has the machine's uuid in its name; connected while the machine is off",
    },
    { field: 'power.pause' },
    { field: 'power.reset' },
    { field: 'power.save' },
    { field: 'snapshots.memory', values: limits.checkpoints },
    {
      field: 'disks.bus',
      values: limits.buses,
      ...inGeneration2(limits, 'SCSI'),
      reason: 'IDE is generation 1 alone, and all that it starts from',
    },
    { field: 'disks.format', values: limits.formats, ...inGeneration2(limits, 'Vhdx'), reason: 'generation 2 has Vhdx alone' },
    { field: 'disks', values: ['SCSI'], change: 'Hotplug', reason: 'what is on IDE comes and goes with the machine off' },
    { field: 'disks.cdrom', change: 'Live' },
    { field: 'ignition' },
    { field: 'ignition.size', max: limits.ignitionBytes },
    ...seedsOf(discs.refusal),
    { field: 'interfaces.network', change: 'Live' },
    { field: 'interfaces.vlan', min: 1, max: 4094, change: 'Live' },
    { field: 'interfaces.model', values: ['Synthetic'] },
    { field: 'interfaces.macAddress' },
    { field: 'pools.existing' },
    ...(limits.shares ? [{ field: 'pools.smb', reason: 'of a Windows file server, which is asked itself what is there' }] : []),
    { field: 'networks.existing' },
    {
      field: 'networks.forward',
      values: ['None', 'Direct'],
      reason:
        'a switch leads nowhere, to the host, or by an adapter of the host (Direct); another one is made there, and named as existing',
    },
    { field: 'networks.host', values: ['Attached', 'Detached'] },
    volumeFormats(limits, contents.refusal()),
    { field: 'volumes.allocation', values: ['Full'] },
    { field: 'volumes.clone', values: ['Full', 'Linked'], reason: 'a linked one has the format of its base, and a Vhd its size' },
  ];
}

const volumeFormats = ({ formats }: VersionLimits, noContents: string | undefined): Capability =>
  noContents === undefined
    ? { field: 'volumes.format', values: [...formats, 'Raw'], reason: 'Raw is an image of a disc' }
    : { field: 'volumes.format', values: formats, reason: `nothing is uploaded: ${noContents}` };

/** A disc has to be written into a file of the host's. */
function seedsOf(refusal: string | undefined): readonly Capability[] {
  const onDisc = refusal === undefined ? {} : { values: [], reason: `no disc is written: ${refusal}` };
  return [
    { field: 'cloudInit', ...onDisc },
    { field: 'sysprep', ...onDisc },
    {
      field: 'seeds.carried',
      values: ['Ignition', ...(refusal === undefined ? ['CloudInit', 'Sysprep'] : [])],
      reason: 'Ignition as key-value pairs of the machine, which its guest reads; the others on a disc in a drive of its own',
    },
  ];
}

const dynamicMemory = (hostBytes: number): readonly Capability[] => [
  { field: 'memory.minSize', min: minMemoryBytes, max: hostBytes, reason: 'multiples of 2 MiB' },
  { field: 'memory.maxSize', min: minMemoryBytes, max: maxDynamicBytes, reason: 'multiples of 2 MiB, be it more than the host has' },
  { field: 'hyperv.memoryBufferPercent', min: minBufferPercent, max: maxBufferPercent },
];

const inGeneration2 = ({ generations }: VersionLimits, value: string): Pick<Capability, 'within'> =>
  generations.includes(2) ? { within: [{ field: 'firmware.type', value: firmwareOf(2), values: [value] }] } : {};

/** Refuses what the host could never run; it might take the definition, and fail when the machine is started. */
export async function checkCapacity(definition: MachineDefinition, inventory: Inventory, signal: AbortSignal): Promise<void> {
  const { cpuCount, memoryBytes, minMemoryBytes, maxMemoryBytes } = definition;
  if (minMemoryBytes !== undefined || maxMemoryBytes !== undefined) await checkDynamicMemory(definition, inventory, signal);
  const { most } = await capacityOf(inventory, signal);
  const asked = [
    ['cpu.count', cpuCount, most.cpuCount, 'CPUs'],
    ['memory.size', memoryBytes, most.memoryBytes, 'bytes'],
  ] as const;
  for (const [field, given, max, unit] of asked)
    if (given > max) throw new DriverError('Invalid', `${field}: ${given} ${unit} were given; accepted: at most ${max}`);
}

/** @throws DriverError Unsupported */
async function checkDynamicMemory({ minMemoryBytes }: MachineDefinition, inventory: Inventory, signal: AbortSignal): Promise<void> {
  const windows = (await cimv2(inventory, 'Win32_OperatingSystem', signal))('Version');
  if (hasDynamicMemory(inventory.wmi.version, windows)) return;
  const field = minMemoryBytes === undefined ? 'memory.maxSize' : 'memory.minSize';
  throw new DriverError(
    'Unsupported',
    `${field} was given; Windows ${windows} has no dynamic memory, which came with 6.1.7601: leave it out`,
  );
}

async function capacityOf(inventory: Inventory, signal: AbortSignal): Promise<Capacity> {
  const computer = await cimv2(inventory, 'Win32_ComputerSystem', signal);
  const [cpuCount, memoryBytes] = [Number(computer('NumberOfLogicalProcessors')), Number(computer('TotalPhysicalMemory'))];
  if (!(Number.isSafeInteger(cpuCount) && cpuCount > 0 && Number.isSafeInteger(memoryBytes) && memoryBytes > 0))
    throw nonsense('Win32_ComputerSystem tells neither processors nor memory');
  return {
    cpuCount,
    memoryBytes,
    architecture: /^arm/i.test(computer('SystemType')) ? 'aarch64' : 'x86_64',
    most: {
      cpuCount: Math.min(cpuCount, inventory.limits.maxCpus),
      memoryBytes: Math.floor(memoryBytes / memoryStepBytes) * memoryStepBytes,
    },
  };
}

/** A property of the one object of a class that Windows has; empty where it is null. */
async function cimv2({ wmi }: Inventory, className: string, signal: AbortSignal): Promise<(name: string) => string> {
  const [found] = await wmi.client.query('root/cimv2', `SELECT * FROM ${className}`, signal);
  return (name) => {
    const [value] = found?.properties.get(name) ?? [];
    return typeof value === 'string' ? value : '';
  };
}
