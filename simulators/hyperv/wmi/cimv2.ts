import { Classes } from '../cim/class.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { Room, StoredFile } from '../disks/store.js';
import { userOf } from '../model/files.js';
import type { Host } from '../model/host.js';
import { classes as texts } from './cimv2-classes.js';
import { MachineObjects } from './machine-objects.js';
import { chosen, type Group, ofEach } from './objects.js';

/** `root\cimv2`: the host itself, as far as who manages machines looks at it. */
export function cimv2Namespace(host: Host, version: string): WmiNamespace {
  const classes = new Classes(texts);
  const machines = new MachineObjects(host);
  const { store } = host.options;
  let description = '';
  const groups: readonly Group[] = [
    { of: hostClasses, objects: () => hostObjects(host, version, description) },
    { of: [counters], objects: () => ofEach(host, (machine) => machines.counters(machine)) },
    { of: ['CIM_DataFile'], objects: () => store.all().filter(isLocal).map(fileObject) },
    { of: ['Win32_Directory'], objects: () => store.folders().map(folderObject) },
    { of: ['Win32_Share'], objects: () => [...host.shares].map(([name, { path }]) => shareObject(name, path)) },
    { of: ['Win32_LogicalDisk'], objects: () => store.letters().map((letter) => diskObject(letter, store.room())) },
  ];
  const instances = (className: string) => chosen(groups, (each) => classes.isA(each, className));
  return {
    name: 'root/cimv2',
    classes,
    instances,
    associated: ({ className }) =>
      className === 'Win32_ComputerSystem'
        ? instances('Win32_Processor').map((each) => ['Win32_ComputerSystemProcessor', each] as const)
        : [],
    async invoke(target, method) {
      if (target.className !== 'CIM_DataFile' || method !== 'Delete') return undefined;
      const path = textOfValue(target, 'Name') ?? '';
      if (isOpen(host, path)) return { returnValue: deleted.sharingViolation };
      return { returnValue: (await store.delete(path)) ? deleted.done : deleted.notThere };
    },
    // All that can be written of the host: what people say of it.
    put({ className, values }, given) {
      const isWritable = ([name, value]: readonly [string, unknown]) => name === 'Description' || values[name] === value;
      if (className !== 'Win32_OperatingSystem' || !Object.entries(given).every(isWritable)) return false;
      description = [given['Description'] ?? description].flat().join();
      return true;
    },
    listen: undefined,
  };
}

/** Files of shares are none of the host's: only those of its own fixed disks are shown. */
const isLocal = ({ path }: StoredFile): boolean => !path.startsWith('\\\\');

/** By a machine here, or by one of a host that has it from a share. */
function isOpen(host: Host, path: string): boolean {
  const among = (client: Host, unc: string, folder: string) =>
    path.toLowerCase().startsWith(`${folder.toLowerCase()}\\`) && userOf(client, `${unc}${path.slice(folder.length)}`) !== undefined;
  const shares = [...host.shares.values()];
  return userOf(host, path) !== undefined || shares.some((share) => share.clients.some((each) => among(each.host, each.unc, share.path)));
}

/** What `Delete` of CIM_DataFile returns. */
const deleted = { done: 0, notThere: 9, sharingViolation: 15 };

const counters = 'Win32_PerfRawData_HvStats_HyperVHypervisorVirtualProcessor';
const hostClasses = ['Win32_ComputerSystem', 'Win32_ComputerSystemProduct', 'Win32_OperatingSystem', 'Win32_Processor'];

/** WMI tells names of files in lower case, whatever they are. */
function fileObject({ path, fileBytes, modified }: StoredFile): CimObject {
  return { className: 'CIM_DataFile', values: { ...placeOf(path), FileSize: String(fileBytes), LastModified: modified.toISOString() } };
}

function folderObject(path: string): CimObject {
  const isHidden = String(/\\(programdata|\$[^\\]*)$/i.test(path));
  return { className: 'Win32_Directory', values: { ...placeOf(path), Hidden: isHidden, System: 'false' } };
}

const shareObject = (name: string, path: string): CimObject => ({
  className: 'Win32_Share',
  values: { Name: name, Path: path, Caption: name, Type: '0', Status: 'OK' },
});

function placeOf(path: string) {
  const name = path.toLowerCase();
  const [, drive = '', folder = '', fileName = '', extension = ''] = /^(.*?:)?(.*\\)([^\\]*?)(?:\.([^.\\]*))?$/s.exec(name) ?? [];
  return { Name: name, Drive: drive, Path: folder, FileName: fileName, Extension: extension, Readable: 'true' };
}

function diskObject(letter: string, { capacity, free }: Room): CimObject {
  const name = `${letter.toUpperCase()}:`;
  const values = {
    DeviceID: name,
    Name: name,
    Caption: name,
    DriveType: '3',
    FileSystem: 'NTFS',
    Size: String(capacity),
    FreeSpace: String(free),
  };
  return { className: 'Win32_LogicalDisk', values };
}

function hostObjects(host: Host, version: string, description: string): readonly CimObject[] {
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
        Description: description,
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
