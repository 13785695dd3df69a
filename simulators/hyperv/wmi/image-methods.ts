import { codes, Refusal } from '../cim/codes.js';
import { renderEmbedded } from '../cim/embedded.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { NewImage } from '../disks/store.js';
import type { Host } from '../model/host.js';
import { userOf } from '../model/power.js';
import { embedded, type Methods, text, work } from './methods.js';

const types = { 2: 'Fixed', 3: 'Dynamic', 4: 'Differencing' } as const;
const formats = { 2: 'VHD', 3: 'VHDX' } as const;

const numberOf = <T>(table: Readonly<Record<number, T>>, value: T): string =>
  Object.entries(table).find(([, each]) => each === value)?.[0] ?? '0';

/** `Msvm_ImageManagementService` of v2: virtual disks as files. */
export function imageMethods(host: Host): Methods {
  const { store } = host.options;
  const notInUse = (path: string) => {
    if (userOf(host, path) !== undefined)
      throw new Refusal(codes.inUse, `The process cannot access the file '${path}' because it is being used by another process.`);
  };
  return {
    'Msvm_ImageManagementService.CreateVirtualHardDisk': (_, input) =>
      work(host, {
        method: 'CreateVirtualHardDisk',
        className: 'Msvm_StorageJob',
        isLong: true,
        act: async () => {
          const { path, image } = asked(embedded(input, 'VirtualDiskSettingData')[0]);
          await store.create(path, image);
          return {};
        },
      }),
    'Msvm_ImageManagementService.ResizeVirtualHardDisk': (_, input) =>
      work(host, {
        method: 'ResizeVirtualHardDisk',
        className: 'Msvm_StorageJob',
        isLong: true,
        act: async () => {
          const path = text(input, 'Path');
          // A VHDX on SCSI can grow while it is in use, a VHD cannot.
          if (!/\.vhdx$/i.test(path)) notInUse(path);
          await store.resize(path, Number(text(input, 'MaxInternalSize')));
          return {};
        },
      }),
    'Msvm_ImageManagementService.ConvertVirtualHardDisk': (_, input) =>
      work(host, {
        method: 'ConvertVirtualHardDisk',
        className: 'Msvm_StorageJob',
        isLong: true,
        act: async () => {
          const source = text(input, 'SourcePath');
          notInUse(source);
          const { path, image } = asked(embedded(input, 'VirtualDiskSettingData')[0], (await store.image(source)).sizeBytes);
          await store.create(path, image);
          return {};
        },
      }),
    'Msvm_ImageManagementService.GetVirtualHardDiskSettingData': (_, input) =>
      work(host, {
        method: 'GetVirtualHardDiskSettingData',
        act: async () => {
          const path = text(input, 'Path');
          const image = await store.image(path);
          const values = {
            Path: path,
            Type: numberOf(types, image.type),
            Format: numberOf(formats, image.format),
            ParentPath: image.parent ?? '',
            MaxInternalSize: String(image.sizeBytes),
            BlockSize: String(image.blockBytes),
            LogicalSectorSize: String(image.logicalSector),
            PhysicalSectorSize: String(image.physicalSector),
            VirtualDiskId: image.id,
          };
          return { SettingData: renderEmbedded('Msvm_VirtualHardDiskSettingData', values) };
        },
      }),
    'Msvm_ImageManagementService.GetVirtualHardDiskState': (_, input) =>
      work(host, {
        method: 'GetVirtualHardDiskState',
        act: async () => {
          const path = text(input, 'Path');
          const [image, file] = [await store.image(path), await store.file(path)];
          const values = {
            FileSize: String(file?.allocatedBytes ?? 0),
            InUse: String(userOf(host, path) !== undefined),
            MinInternalSize: String(image.sizeBytes),
            PhysicalSectorSize: String(image.physicalSector),
            Alignment: '1',
            FragmentationPercentage: '0',
          };
          return { State: renderEmbedded('Msvm_VirtualHardDiskState', values) };
        },
      }),
    'Msvm_ImageManagementService.ValidateVirtualHardDisk': (_, input) =>
      work(host, { method: 'ValidateVirtualHardDisk', isLong: true, act: async () => void (await store.image(text(input, 'Path'))) }),
  };
}

function asked(of: CimObject | undefined, sourceBytes = 0): { readonly path: string; readonly image: NewImage } {
  const value = (name: string) => (of === undefined ? undefined : textOfValue(of, name)) ?? '';
  const type = types[Number(value('Type')) as keyof typeof types];
  const format = formats[Number(value('Format')) as keyof typeof formats];
  const path = value('Path');
  const isNamed = format !== undefined && path.toLowerCase().endsWith(`.${format.toLowerCase()}`);
  if (type === undefined || !isNamed) throw new Refusal(codes.invalidParameter, `'${path}' cannot be made with that type and format.`);
  const parent = value('ParentPath');
  if ((type === 'Differencing') !== (parent !== ''))
    throw new Refusal(codes.invalidParameter, 'A differencing disk has a parent, and no other has.');
  const size = Number(value('MaxInternalSize')) || sourceBytes;
  return { path, image: { type, format, sizeBytes: size, ...(parent === '' ? {} : { parent }) } };
}
