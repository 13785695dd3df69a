import t from 'tap';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { typed } from '../soap/names.js';
import { readDisks } from './disk.js';
import { keys } from './mark.js';

const count = 100;

/** Counts how often it is looked into. */
function counted(device: XmlElement): { readonly device: XmlElement; readonly looks: () => number } {
  let looks = 0;
  const get = () => {
    looks += 1;
    return device.children;
  };
  return { device: Object.defineProperty({ ...device }, 'children', { get }), looks: () => looks };
}

const field = (name: string, value: number) => element(name, {}, `${value}`);
const disk = (unit: number) =>
  typed(
    element(
      'device',
      {},
      field('key', unit),
      field('controllerKey', 1_000),
      field('unitNumber', unit),
      element('backing', {}, element('fileName', {}, `[ds] ${unit}.vmdk`)),
    ),
    'VirtualDisk',
  );
const controller = (at: number) =>
  typed(
    element('device', {}, field('key', 1_000 + at), field('busNumber', at), element('sharedBus', {}, 'noSharing')),
    'ParaVirtualSCSIController',
  );

t.test('however many disks and names a host says there are, each device is looked into a few times', async (t) => {
  const devices = Array.from({ length: count }, (_, at) => [disk(at), controller(at)])
    .flat()
    .map(counted);
  const places = Object.fromEntries(Array.from({ length: count }, (_, at) => [`disk${at}`, `scsi0:${at}`]));
  const disks = readDisks(
    devices.map(({ device }) => device),
    { [keys.disks]: JSON.stringify(places) },
  );
  t.equal(disks.length, count);
  t.match(disks[7], { name: 'disk7', location: '[ds] 7.vmdk' });
  t.ok(Math.max(...devices.map(({ looks }) => looks())) < 20);
});
