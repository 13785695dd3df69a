import { randomUUID } from 'node:crypto';
import type { Device } from './device.js';
import { fileOf, imagesOf } from './files.js';
import type { Host } from './host.js';
import type { Machine } from './machine.js';

const isDisk = (file: string): boolean => /\.a?vhdx?$/i.test(file);

/** Of the name of the disk at the bottom, and a GUID. */
const overlayName = (file: string): string =>
  file.replace(
    /(_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?\.a?(vhdx?)$/i,
    (...[, , , ending = '']) => `_${randomUUID().toUpperCase()}.a${ending}`,
  );

/** The same parts with a new differencing disk over each disk: what is beneath is not written to any more. */
export async function overlaid(host: Host, machine: Machine, devices: readonly Device[]): Promise<readonly Device[]> {
  const { store } = host.options;
  const { words } = machine;
  const over = new Map<Device, string>();
  for (const image of imagesOf({ devices, words }).filter((each) => isDisk(fileOf(machine, each)))) {
    const parent = fileOf(machine, image);
    const path = overlayName(parent);
    await store.create(path, { format: /x$/i.test(path) ? 'VHDX' : 'VHD', type: 'Differencing', sizeBytes: 0, parent });
    over.set(image, path);
  }
  machine.overlays = [...machine.overlays, ...over.values()];
  return devices.map((each) => withFile(machine, each, over.get(each)));
}

const withFile = ({ words }: Machine, device: Device, file: string | undefined): Device =>
  file === undefined ? device : { ...device, values: { ...device.values, [words.file]: [file] } };

/** Files over disks that nothing leads to any more go at once. */
export async function dropUnused(host: Host, machine: Machine): Promise<void> {
  for (let unused = unusedOf(host, machine); unused !== undefined; unused = unusedOf(host, machine)) await drop(host, machine, unused);
}

const unusedOf = (host: Host, machine: Machine): string | undefined =>
  machine.overlays.find((file) => !isReferred(machine, file) && childrenOf(host, machine, file).length === 0);

async function drop({ options }: Host, machine: Machine, file: string): Promise<void> {
  await options.store.delete(file);
  machine.overlays = machine.overlays.filter((each) => each !== file);
}

/** What no checkpoint needs apart any more is merged into what is beneath it: while the machine runs, too, but in version 1. */
export function mergeLater(host: Host, machine: Machine): void {
  if (machine.isMerging || mergeableOf(host, machine) === undefined) return;
  if (host.words.mode === 'v1' && machine.state !== 'off') return;
  machine.isMerging = true;
  const held = host.troubles.take('merge', 'hold');
  const act = async () => {
    await held?.until;
    for (let file = mergeableOf(host, machine); file !== undefined; file = mergeableOf(host, machine)) await merge(host, machine, file);
    machine.isMerging = false;
  };
  host.jobs.start('Merging VHD Disks', 'Msvm_ConcreteJob', act, { type: 50, affects: machine.id });
}

/** One that is alone on what is beneath it, where no checkpoint holds that. */
const mergeableOf = (host: Host, machine: Machine): string | undefined =>
  machine.overlays.find((file) => {
    const [, beneath = ''] = host.options.store.chain(file);
    return !isReferred(machine, beneath) && childrenOf(host, machine, beneath).length === 1;
  });

/** What leads to it leads to what is beneath it now, which has all that it had. */
async function merge(host: Host, machine: Machine, file: string): Promise<void> {
  const { store } = host.options;
  const [, beneath = ''] = store.chain(file);
  for (const child of childrenOf(host, machine, file)) await store.reparent(child, beneath);
  const lead = (devices: readonly Device[]) =>
    devices.map((each) => withFile(machine, each, same(fileOf(machine, each), file) ? beneath : undefined));
  machine.devices = lead(machine.devices);
  machine.snapshots = machine.snapshots.map((each) => ({ ...each, devices: lead(each.devices) }));
  await drop(host, machine, file);
}

const isReferred = (machine: Machine, file: string): boolean =>
  [machine.devices, ...machine.snapshots.map(({ devices }) => devices)].some((devices) =>
    imagesOf({ devices, words: machine.words }).some((image) => same(fileOf(machine, image), file)),
  );

const childrenOf = ({ options }: Host, { overlays }: Machine, file: string): readonly string[] =>
  overlays.filter((each) => same(options.store.chain(each)[1] ?? '', file));

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
