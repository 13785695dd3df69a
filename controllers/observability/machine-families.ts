import type { DiskStats, InterfaceStats, MachineStats } from '#drivers/driver.js';
import type { Families, Sample } from './families.js';

type Machine = 'namespace' | 'name' | 'hypervisor';

/** A machine's stats, with whose they are. */
export interface MeasuredMachine {
  readonly labels: Readonly<Record<Machine, string>>;
  readonly stats: MachineStats;
}

const machine = ['namespace', 'name', 'hypervisor'] as const;

/** How machines are at work, in KubeVirt's word order. Counters begin anew with each start of a machine. */
export function machineFamilies<T>(families: Families<T>, machinesOf: (one: T) => readonly MeasuredMachine[]): void {
  const each = (value: (stats: MachineStats) => number | undefined) => (one: T) =>
    machinesOf(one).map(({ labels, stats }): Sample<Machine> => [labels, value(stats)]);
  const counter = (name: string, help: string, value: (stats: MachineStats) => number | undefined) =>
    families.counter(`vm_${name}`, help, machine, each(value));
  const bytes = (name: string, help: string, value: (stats: MachineStats) => number | undefined) =>
    families.gauge(`vm_memory_${name}_bytes`, help, machine, each(value));
  counter('cpu_usage_seconds', 'CPU time of the guest, and of the host for it.', ({ cpuSeconds }) => cpuSeconds);
  families.gauge(
    'vm_cpu_usage_hertz',
    "How much of the host's CPUs it has had of late, in cycles a second; of hosts that tell this instead of CPU time.",
    machine,
    each(({ cpuHertz }) => cpuHertz),
  );
  counter('vcpu_wait_seconds', 'Time that its CPUs waited for what they had asked for.', ({ cpuWaitSeconds }) => cpuWaitSeconds);
  counter(
    'vcpu_delay_seconds',
    'Time that its CPUs waited for CPUs of the host that others had.',
    ({ cpuDelaySeconds }) => cpuDelaySeconds,
  );
  bytes('actual_balloon', 'Memory that the guest has now.', ({ memory }) => memory.balloonBytes);
  bytes('resident', "The host's memory that the machine holds.", ({ memory }) => memory.residentBytes);
  bytes('available', 'Memory that the guest can use, as it says itself.', ({ memory }) => memory.availableBytes);
  bytes('unused', 'Memory that nobody in the guest uses, as it says itself.', ({ memory }) => memory.unusedBytes);
  bytes('usable', 'Memory that the guest could use without swapping, as it says itself.', ({ memory }) => memory.usableBytes);
  diskFamilies(families, machinesOf);
  interfaceFamilies(families, machinesOf);
}

function diskFamilies<T>(families: Families<T>, machinesOf: (one: T) => readonly MeasuredMachine[]): void {
  const counter = (name: string, help: string, value: (disk: DiskStats) => number) =>
    families.counter(`vm_storage_${name}`, help, [...machine, 'drive'], (one) =>
      machinesOf(one).flatMap(({ labels, stats }) =>
        stats.disks.map((disk): Sample<Machine | 'drive'> => [{ ...labels, drive: disk.name }, value(disk)]),
      ),
    );
  counter('read_traffic_bytes', 'Bytes read from a disk.', ({ read }) => read.bytes);
  counter('write_traffic_bytes', 'Bytes written to a disk.', ({ written }) => written.bytes);
  counter('iops_read', 'Reads from a disk.', ({ read }) => read.operations);
  counter('iops_write', 'Writes to a disk.', ({ written }) => written.operations);
  counter('read_times_seconds', 'Time spent on reads from a disk.', ({ read }) => read.seconds);
  counter('write_times_seconds', 'Time spent on writes to a disk.', ({ written }) => written.seconds);
}

function interfaceFamilies<T>(families: Families<T>, machinesOf: (one: T) => readonly MeasuredMachine[]): void {
  const counter = (name: string, help: string, value: (one: InterfaceStats) => number) =>
    families.counter(`vm_network_${name}`, help, [...machine, 'interface'], (one) =>
      machinesOf(one).flatMap(({ labels, stats }) =>
        stats.interfaces.map((each): Sample<Machine | 'interface'> => [{ ...labels, interface: each.name }, value(each)]),
      ),
    );
  for (const [way, did, of] of [
    ['receive', 'received', ({ received }: InterfaceStats) => received],
    ['transmit', 'sent', ({ sent }: InterfaceStats) => sent],
  ] as const) {
    counter(`${way}_bytes`, `Bytes that the guest ${did}.`, (each) => of(each).bytes);
    counter(`${way}_packets`, `Packets that the guest ${did}.`, (each) => of(each).packets);
    counter(`${way}_errors`, `Packets that failed when the guest ${did} them.`, (each) => of(each).errors);
    counter(`${way}_packets_dropped`, `Packets that were dropped when the guest ${did} them.`, (each) => of(each).dropped);
  }
}
