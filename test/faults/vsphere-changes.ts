import type { Change, Spec } from './change-table.js';

const data = { name: 'data', volumeRef: { name: 'data' } };
const lan = { name: 'lan', networkRef: { name: 'vm-network' } };
/** What the machine is before the first of them. */
export const vsphereSpec: Spec = {
  cpu: { count: 1 },
  memory: { size: '64Mi' },
  firmware: { type: 'BIOS' },
  vsphere: { guestId: 'otherGuest' },
  disks: [data],
  interfaces: [lan],
};

const more = { name: 'more', volumeRef: { name: 'more' }, bus: 'LsiLogic' };
const e1000e = { ...lan, model: 'E1000e' };
const known = { ...e1000e, macAddress: '00:50:56:11:22:33' };

/** In this order, each with what those before it made of the machine. Our driver changes nothing of one that runs. */
export const vsphereChanges: readonly Change[] = [
  { fields: ['cpu.count'], told: 'spec.cpu.count', class: 'Restart', spec: { cpu: { count: 2 } }, shows: /"cpus":2,/ },
  { fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Impossible', spec: { cpu: { count: 2, maxCount: 4 } } },
  { fields: ['memory.size'], told: 'spec.memory.size', class: 'Restart', spec: { memory: { size: '128Mi' } }, shows: /"memory":128,/ },
  {
    ...{ fields: ['firmware.type'], told: 'spec.firmware.type', class: 'Restart' },
    spec: { firmware: { type: 'UEFI' } },
    shows: /"firmware":"efi"/,
  },
  {
    ...{ fields: ['vsphere.guestId'], told: 'spec.vsphere.guestId', class: 'Restart' },
    spec: { vsphere: { guestId: 'otherGuest64' } },
    shows: /"guestId":"otherGuest64"/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Restart' },
    spec: { disks: [data, more] },
    shows: /VirtualLsiLogicSASController/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Restart' },
    spec: { disks: [data, { ...more, bus: 'Pvscsi' }] },
    shows: /^(?!.*VirtualLsiLogicSASController)/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Restart' },
    spec: { disks: [data] },
    shows: /^(?!.*default\.more)/,
  },
  {
    ...{ fields: ['disks[].cache'], told: 'spec.disks[data]', class: 'Impossible' },
    spec: { disks: [{ ...data, cache: 'None' }] },
  },
  {
    ...{ fields: ['interfaces[].model'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [e1000e] },
    shows: /"VirtualE1000e"/,
  },
  {
    ...{ fields: ['interfaces[].macAddress'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [known] },
    shows: /00:50:56:11:22:33/,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[san]', class: 'Restart' },
    spec: { interfaces: [known, { ...lan, name: 'san', model: 'Vmxnet3' }] },
    shows: /"VirtualVmxnet3"/,
  },
  {
    ...{ fields: ['devices.serial'], told: 'spec.devices.serial', class: 'Restart' },
    spec: { devices: { serial: {} } },
    shows: /virtwright\.serial\.log/,
  },
];
