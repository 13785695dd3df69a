import t from 'tap';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { busOf, controllerOf } from './bus.js';
import { serialOf } from './nvme.js';

const disk = (bus: string, controller: number): XmlElement =>
  element('disk', {}, element('target', { bus }), element('address', { controller: `${controller}` }));

/** Counts how often all of it is looked through. */
function counted(...children: readonly XmlElement[]): { readonly devices: XmlElement; readonly looks: () => number } {
  let looks = 0;
  const devices = Object.defineProperty({ ...element('devices') }, 'children', {
    get: () => {
      looks += 1;
      return children;
    },
  });
  return { devices, looks: () => looks };
}

t.test('however many disks ask for their controllers, they are looked for once', async (t) => {
  const scsi = Array.from({ length: 200 }, (_, index) => element('controller', { type: 'scsi', index: `${index}`, model: 'virtio-scsi' }));
  const nvme = Array.from({ length: 200 }, (_, index) =>
    element('controller', { type: 'nvme', index: `${index}` }, element('serial', {}, `s${index}`)),
  );
  const { devices, looks } = counted(...scsi, ...nvme);
  for (let index = 0; index < 200; index += 1) {
    t.equal(controllerOf(disk('scsi', index), devices), scsi[index]);
    t.equal(busOf(disk('scsi', index), devices), 'VirtioScsi');
    t.equal(serialOf(disk('nvme', index), devices), `s${index}`);
  }
  t.equal(looks(), 1);
});

t.test('a disk whose controller is not there, or another one, is on none of ours', async (t) => {
  const { devices } = counted(element('controller', { type: 'scsi', index: '1', model: 'lsilogic' }));
  t.equal(controllerOf(disk('scsi', 7), devices), undefined);
  t.equal(busOf(disk('scsi', 1), devices), undefined);
  t.equal(controllerOf(disk('virtio', 1), devices), undefined);
  t.equal(busOf(disk('scsi', 1), undefined), undefined);
});
