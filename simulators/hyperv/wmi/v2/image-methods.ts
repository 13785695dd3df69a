import { codes, Refusal } from '../../cim/codes.js';
import { renderEmbedded } from '../../cim/embedded.js';
import type { Input } from '../../cim/namespace.js';
import { type CimObject, textOfValue } from '../../cim/object.js';
import type { NewImage, Store } from '../../disks/store.js';
import { mustNotBeBeneath, mustNotBeInUse, userOf } from '../../model/files.js';
import type { Host } from '../../model/host.js';
import { embedded, type Methods, serviceMethods, text } from '../methods.js';

const types = { 2: 'Fixed', 3: 'Dynamic', 4: 'Differencing' } as const;
const formats = { 2: 'VHD', 3: 'VHDX' } as const;

const numberOf = <T>(table: Readonly<Record<number, T>>, value: T): string =>
  Object.entries(table).find(([, each]) => each === value)?.[0] ?? '0';

const service = 'Msvm_ImageManagementService';

/** Virtual disks as files: what writes them is a job, what reads them is not. */
export function imageMethods(host: Host): Methods {
  const { store } = host.options;
  const writes = {
    CreateVirtualHardDisk: (input: Input) => create(store, input),
    ResizeVirtualHardDisk: (input: Input) => resize(host, input),
    ConvertVirtualHardDisk: (input: Input) => convert(host, input),
    ValidateVirtualHardDisk: async (input: Input) => void (await store.image(text(input, 'Path'))),
  };
  const looks = {
    GetVirtualHardDiskSettingData: (input: Input) => settings(store, input),
    GetVirtualHardDiskState: (input: Input) => state(host, input),
  };
  return {
    ...serviceMethods(host, service, writes, { className: 'Msvm_StorageJob', isLong: true }),
    ...serviceMethods(host, service, looks, { isLook: true }),
  };
}

async function create(store: Store, input: Input) {
  const { path, image } = asked(embedded(input, 'VirtualDiskSettingData')[0]);
  await store.create(path, image);
  return {};
}

/** A VHDX on SCSI can grow while it is in use, a VHD cannot. */
async function resize(host: Host, input: Input) {
  const path = text(input, 'Path');
  if (!/\.vhdx$/i.test(path)) mustNotBeInUse(host, path);
  mustNotBeBeneath(host, path);
  await host.options.store.resize(path, Number(text(input, 'MaxInternalSize')));
  return {};
}

async function convert(host: Host, input: Input) {
  const source = text(input, 'SourcePath');
  mustNotBeInUse(host, source);
  const { store } = host.options;
  const { path, image } = asked(embedded(input, 'VirtualDiskSettingData')[0], (await store.image(source)).sizeBytes);
  await store.create(path, image);
  return {};
}

async function settings(store: Store, input: Input) {
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
}

async function state(host: Host, input: Input) {
  const path = text(input, 'Path');
  const [image, file] = [await host.options.store.image(path), await host.options.store.file(path)];
  const values = {
    FileSize: String(file?.allocatedBytes ?? 0),
    InUse: String(userOf(host, path) !== undefined),
    MinInternalSize: String(image.sizeBytes),
    PhysicalSectorSize: String(image.physicalSector),
    Alignment: '1',
    FragmentationPercentage: '0',
  };
  return { State: renderEmbedded('Msvm_VirtualHardDiskState', values) };
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
