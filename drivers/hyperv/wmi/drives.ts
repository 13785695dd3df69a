import type { Reference } from '../wsman/instance.js';
import { embedObject, type ObjectOf } from './class.js';
import { image, resource } from './classes.js';
import { partKey, partKeyIn, resourceTypes, subType } from './part.js';
import type { Wmi } from './wmi.js';
import { objectPath } from './wql.js';

export type Bus = 'IDE' | 'SCSI';
export type DriveKind = 'disk' | 'dvd';

/** What drives are on: two places on IDE, 64 on SCSI. */
export interface Controller {
  readonly reference: Reference;
  readonly bus: Bus;
  readonly key: string;
}

export interface Drive {
  readonly reference: Reference;
  readonly kind: DriveKind;
  readonly bus: Bus;
  /** Its place in the machine, which is no other's: its controller, and where on that. */
  readonly at: string;
  readonly image?: { readonly reference: Reference; readonly file: string };
  /** It is a whole disk of the host's (pass-through), which has no file, and is not empty for that. */
  readonly isPhysical?: true;
}

type Part = ObjectOf<typeof resource> | ObjectOf<typeof image>;

export const places: Readonly<Record<Bus, number>> = { IDE: 2, SCSI: 64 };

export const placeOn = ({ key }: Controller, at: number): string => `${key} ${at}`;

/** Of one machine, in the host's order, by which SCSI controllers are counted. */
export function controllersOf(parts: readonly Part[]): readonly Controller[] {
  const buses = new Map<number, Bus>([
    [resourceTypes.v2.ide, 'IDE'],
    [resourceTypes.v2.scsi, 'SCSI'],
  ]);
  return parts.flatMap(({ reference, common }) => {
    const bus = buses.get(common.ResourceType ?? 0);
    return bus === undefined ? [] : [{ reference, bus, key: partKey(common.InstanceID) }];
  });
}

/** Of one machine; `images` may be among the parts. */
export function drivesOf(parts: readonly Part[], images: readonly Part[]): readonly Drive[] {
  const controllers = controllersOf(parts);
  const kindOf = ({ version, common }: Part): DriveKind | undefined =>
    (['disk', 'dvd'] as const).find((kind) => resourceTypes[version][kind] === common.ResourceType);
  return parts.flatMap((part) => {
    const kind = kindOf(part);
    const controller = controllers.find(({ key }) => key === partKeyIn(part.common.Parent));
    if (kind === undefined || controller === undefined) return [];
    const inIt = images.find((each) => isImage(each) && partKeyIn(each.common.Parent) === partKey(part.common.InstanceID));
    const has = inIt === undefined ? {} : { image: { reference: inIt.reference, file: fileOf(inIt) } };
    const physical = isPhysical(part) ? { isPhysical: true as const } : {};
    return [{ reference: part.reference, kind, bus: controller.bus, at: `${controller.key} ${placeOf(part) ?? ''}`, ...has, ...physical }];
  });
}

/** Drives for files name nothing of the host's; that stands in what is in them. */
const isPhysical = ({ common }: Part): boolean =>
  /Physical Disk Drive$/.test(common.ResourceSubType ?? '') || (common.HostResource[0] ?? '') !== '';

const isImage = ({ version, common }: Part): boolean => common.ResourceType === resourceTypes[version].image;
const placeOf = (part: Part): string | undefined => (part.version === 'v1' ? part.common.Address : part.v2.AddressOnParent);
const fileOf = ({ version, common }: Part): string => (version === 'v1' ? common.Connection : common.HostResource)[0] ?? '';

export function newScsiController({ version }: Wmi): string {
  return embedObject(resource, {
    version,
    common: { ResourceType: resourceTypes[version].scsi, ResourceSubType: subType(version, 'Synthetic SCSI Controller') },
  });
}

const driveNames: Readonly<Record<DriveKind, string>> = { disk: 'Synthetic Disk Drive', dvd: 'Synthetic DVD Drive' };
const imageNames: Readonly<Record<DriveKind, string>> = { disk: 'Virtual Hard Disk', dvd: 'Virtual CD/DVD Disk' };

/** A drive without anything in it. */
export function newDrive({ version, server, namespace }: Wmi, kind: DriveKind, on: Controller, at: number): string {
  const common = {
    ResourceType: resourceTypes[version][kind],
    ResourceSubType: subType(version, driveNames[kind]),
    Parent: objectPath(server, namespace, on.reference),
  };
  if (version === 'v1') return embedObject(resource, { version, common: { ...common, Address: String(at) } });
  return embedObject(resource, { version, common, v2: { AddressOnParent: String(at) } });
}

export function newImage({ version, server, namespace }: Wmi, { kind, reference }: Drive, file: string): string {
  const common = {
    ResourceType: resourceTypes[version].image,
    ResourceSubType: subType(version, imageNames[kind]),
    Parent: objectPath(server, namespace, reference),
    ...(version === 'v1' ? { Connection: [file] } : { HostResource: [file] }),
  };
  return embedObject(image, { version, common });
}
