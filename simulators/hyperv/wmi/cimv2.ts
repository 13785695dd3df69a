import { Classes } from '../cim/class.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { StoredFile } from '../disks/store.js';
import type { Host } from '../model/host.js';
import { userOf } from '../model/power.js';
import { classes as texts } from './cimv2-classes.js';
import { MachineObjects } from './machine-objects.js';

/** `root\cimv2`: the host itself, as far as who manages machines looks at it. */
export function cimv2Namespace(host: Host, version: string): WmiNamespace {
  const classes = new Classes(texts);
  const machines = new MachineObjects(host);
  const all = () => [
    ...hostObjects(host, version),
    ...[...host.machines.values()].flatMap((machine) => machines.counters(machine)),
    ...host.options.store.all().map(fileObject),
  ];
  return {
    name: 'root/cimv2',
    classes,
    instances: (className) => all().filter((each) => classes.isA(each.className, className)),
    associated: ({ className }) =>
      className === 'Win32_ComputerSystem'
        ? all()
            .filter((each) => each.className === 'Win32_Processor')
            .map((each) => ['Win32_ComputerSystemProcessor', each] as const)
        : [],
    async invoke(target, method) {
      if (target.className !== 'CIM_DataFile' || method !== 'Delete') return undefined;
      const path = textOfValue(target, 'Name') ?? '';
      if (userOf(host, path) !== undefined) return { returnValue: 11 };
      return { returnValue: (await host.options.store.delete(path)) ? 0 : 9 };
    },
    put: () => false,
    listen: undefined,
  };
}

function fileObject({ path, fileBytes }: StoredFile): CimObject {
  const [, drive = '', folder = '', name = '', extension = ''] = /^(.*?:)?(.*\\)([^\\]*?)(?:\.([^.\\]*))?$/s.exec(path) ?? [];
  const values = {
    Name: path,
    Drive: drive,
    Path: folder,
    FileName: name,
    Extension: extension,
    FileSize: String(fileBytes),
    Readable: 'true',
  };
  return { className: 'CIM_DataFile', values };
}

function hostObjects(host: Host, version: string): readonly CimObject[] {
  const { server, cpus, memoryBytes } = host.options;
  return [
    {
      className: 'Win32_ComputerSystem',
      values: {
        Name: server,
        DNSHostName: server,
        Caption: server,
        Domain: 'WORKGROUP',
        Manufacturer: 'Virtwright',
        Model: 'simulator',
        NumberOfLogicalProcessors: String(cpus),
        NumberOfProcessors: '1',
        TotalPhysicalMemory: String(memoryBytes),
        SystemType: 'x64-based PC',
        CreationClassName: 'Win32_ComputerSystem',
      },
    },
    {
      className: 'Win32_ComputerSystemProduct',
      values: { UUID: host.uuid, Name: 'simulator', Vendor: 'Virtwright', IdentifyingNumber: server, Version: '1' },
    },
    {
      className: 'Win32_OperatingSystem',
      values: {
        Name: `Microsoft Windows Server|C:\\Windows|\\Device\\Harddisk0\\Partition2`,
        Caption: 'Microsoft Windows Server (simulated)',
        Version: version,
        BuildNumber: version.split('.').at(-1) ?? '',
        CSName: server,
        FreePhysicalMemory: String(Math.floor(host.freeMemory / 1024)),
        TotalVisibleMemorySize: String(Math.floor(memoryBytes / 1024)),
        LocalDateTime: new Date().toISOString(),
        OSArchitecture: '64-bit',
      },
    },
    {
      className: 'Win32_Processor',
      values: {
        DeviceID: 'CPU0',
        Name: 'Simulated CPU @ 2.00GHz',
        Manufacturer: 'GenuineIntel',
        MaxClockSpeed: '2000',
        CurrentClockSpeed: '2000',
        NumberOfCores: String(cpus),
        NumberOfLogicalProcessors: String(cpus),
        AddressWidth: '64',
        Architecture: '9',
        SocketDesignation: 'CPU 0',
        CreationClassName: 'Win32_Processor',
        SystemCreationClassName: 'Win32_ComputerSystem',
        SystemName: server,
      },
    },
  ];
}
