import { codes, Refusal } from '../../cim/codes.js';
import { renderEmbedded } from '../../cim/embedded.js';
import type { Input } from '../../cim/namespace.js';
import type { NewImage, Store } from '../../disks/store.js';
import { mustNotBeBeneath, mustNotBeInUse, userOf } from '../../model/files.js';
import type { Host } from '../../model/host.js';
import { type Methods, serviceMethods, text } from '../methods.js';

const service = 'Msvm_ImageManagementService';
const types = { Fixed: '2', Dynamic: '3', Differencing: '4' };

/** Virtual disks as files: what writes them is a job, what reads them is not. */
export function imageMethods(host: Host): Methods {
  const { store } = host.options;
  const writes = {
    CreateDynamicVirtualHardDisk: (input: Input) => create(store, 'Dynamic', input),
    CreateFixedVirtualHardDisk: (input: Input) => create(store, 'Fixed', input),
    CreateDifferencingVirtualHardDisk: (input: Input) => create(store, 'Differencing', input),
    ExpandVirtualHardDisk: (input: Input) => expand(host, input),
    ConvertVirtualHardDisk: (input: Input) => convert(host, input),
  };
  return {
    ...serviceMethods(host, service, writes, { className: 'Msvm_StorageJob', isLong: true }),
    ...serviceMethods(host, service, { GetVirtualHardDiskInfo: (input) => info(host, input) }, { isLook: true }),
  };
}

async function create(store: Store, type: NewImage['type'], input: Input) {
  const [path, parent] = [text(input, 'Path'), text(input, 'ParentPath')];
  if (!/\.vhd$/i.test(path)) throw new Refusal(codes.invalidParameter, `'${path}' is no VHD, which is all that this version knows.`);
  const size = type === 'Differencing' ? 0 : Number(text(input, 'MaxInternalSize'));
  await store.create(path, { format: 'VHD', type, sizeBytes: size, ...(type === 'Differencing' ? { parent } : {}) });
  return {};
}

async function convert(host: Host, input: Input) {
  const [source, path] = [text(input, 'SourcePath'), text(input, 'DestinationPath')];
  const type = (['Fixed', 'Dynamic'] as const).find((each) => types[each] === text(input, 'Type'));
  if (type === undefined || !/\.vhd$/i.test(path)) throw new Refusal(codes.invalidParameter, `'${path}' cannot be made with that type.`);
  mustNotBeInUse(host, source);
  const { store } = host.options;
  await store.create(path, { format: 'VHD', type, sizeBytes: (await store.image(source)).sizeBytes });
  return {};
}

async function expand(host: Host, input: Input) {
  const path = text(input, 'Path');
  mustNotBeInUse(host, path);
  mustNotBeBeneath(host, path);
  await host.options.store.resize(path, Number(text(input, 'MaxInternalSize')));
  return {};
}

async function info(host: Host, input: Input) {
  const path = text(input, 'Path');
  const { store } = host.options;
  const [image, file] = [await store.image(path), await store.file(path)];
  const values = {
    FileSize: String(file?.allocatedBytes ?? 0),
    InSavedState: 'false',
    InUse: String(userOf(host, path) !== undefined),
    MaxInternalSize: String(image.sizeBytes),
    ParentPath: image.parent ?? '',
    Type: types[image.type],
  };
  return { Info: renderEmbedded('Msvm_VirtualHardDiskInfo', values) };
}
