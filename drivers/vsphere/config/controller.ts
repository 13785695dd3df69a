import type { DiskBus } from '#drivers/driver.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from '../soap/names.js';

/** The controller that we make for a bus; of two that are of one bus, the newer. */
export const nativeControllers = {
  Pvscsi: 'ParaVirtualSCSIController',
  LsiLogic: 'VirtualLsiLogicSASController',
} as const satisfies Partial<Record<DiskBus, string>>;

const buses: Readonly<Record<string, keyof typeof nativeControllers>> = {
  ParaVirtualSCSIController: 'Pvscsi',
  VirtualLsiLogicSASController: 'LsiLogic',
  VirtualLsiLogicController: 'LsiLogic',
};

export const maxControllers = 4;
/** The controller itself has the eighth place. */
export const units = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

export interface Controller {
  readonly key: number;
  readonly busNumber: number;
  /** Undefined for one of another make. */
  readonly bus: keyof typeof nativeControllers | undefined;
}

export function numberIn(device: XmlElement | undefined, ...path: readonly string[]): number | undefined {
  const text = textOf(child(device, ...path));
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

/** The SCSI controllers among the devices. */
export function controllersOf(devices: readonly XmlElement[]): readonly Controller[] {
  return devices.flatMap((device) => {
    const [key, busNumber] = [numberIn(device, 'key'), numberIn(device, 'busNumber')];
    const type = typeOf(device) ?? '';
    const isScsi = child(device, 'sharedBus') !== undefined || Object.hasOwn(buses, type);
    return isScsi && key !== undefined && busNumber !== undefined ? [{ key, busNumber, bus: buses[type] }] : [];
  });
}

/** A new one: the host replaces a key below 0, wherever it is referred to, by one of its own. */
export function newController(busNumber: number, bus: keyof typeof nativeControllers): Controller & { readonly device: XmlElement } {
  const key = -101 - busNumber;
  const parts = [element('key', {}, `${key}`), element('busNumber', {}, `${busNumber}`), element('sharedBus', {}, 'noSharing')];
  return { key, busNumber, bus, device: typed(element('device', {}, ...parts), nativeControllers[bus]) };
}

/** What guests of that kind can boot from without a driver of VMware's. */
export function bestBus(guestId: string): keyof typeof nativeControllers {
  return /^win/i.test(guestId) ? 'LsiLogic' : 'Pvscsi';
}
