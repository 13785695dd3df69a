import type { Change, Spec } from './change-table.js';
import { cloudInitChanges } from './cloud-init-changes.js';

const root = { name: 'root', volumeTemplate: { poolRef: { name: 'xen-disks' }, size: '64Mi', format: 'Raw', whenDeleted: 'Delete' } };
const more = { name: 'more', volumeTemplate: { ...root.volumeTemplate, size: '8Mi' } };
const lan = { name: 'lan', networkRef: { name: 'xen-lan' } };
const rear = { name: 'rear', networkRef: { name: 'xen-rear' } };

/** What guests take part in, of either kind. */
const whileItRuns = (interfaces: readonly object[]): readonly Change[] => [
  {
    ...{ fields: ['cpu.count'], told: 'spec.cpu.count', class: 'Hotplug' },
    spec: { cpu: { count: 2, maxCount: 2 } },
    shows: /<vcpu[^>]*placement='static'>2</,
  },
  {
    ...{ fields: ['memory.size'], told: 'spec.memory.size', class: 'Live' },
    spec: { memory: { size: '144Mi', maxSize: '160Mi' } },
    shows: />147456<\/currentMemory>/,
  },
  {
    fields: ['disks[].bus'],
    told: 'spec.disks[more]',
    class: 'Hotplug',
    spec: { disks: [root, { ...more, bus: 'XenBlk' }] },
    shows: /xvdb/,
  },
  { fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Hotplug', spec: { disks: [root] }, shows: /^(?![\s\S]*xvdb)/ },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[rear]', class: 'Hotplug' },
    spec: { interfaces: [...interfaces, rear] },
    shows: /default\.xen-rear/,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[rear]', class: 'Hotplug' },
    spec: { interfaces },
    shows: /^(?![\s\S]*default\.xen-rear)/,
  },
];

const kernelOf = (name: string, commandLine: string, initrd?: string) => ({
  kernel: { volumeRef: { name }, commandLine, ...(initrd === undefined ? {} : { initrdVolumeRef: { name: initrd } }) },
});

/** Only the next start reads these. */
const read = (words: string): readonly Change[] => [
  {
    ...{ fields: ['boot.kernel.commandLine'], told: 'spec.boot.kernel.commandLine', class: 'NextBoot' },
    spec: { boot: kernelOf('xen-kernel', `${words} vw.again`, 'xen-initrd') },
    shows: /vw\.again/,
  },
  {
    ...{ fields: ['boot.kernel.initrdVolumeRef.name'], told: 'spec.boot.kernel.initrdVolumeRef', class: 'NextBoot' },
    spec: { boot: kernelOf('xen-kernel', `${words} vw.again`) },
    shows: /^(?![\s\S]*<initrd>)/,
  },
  {
    ...{ fields: ['boot.kernel.volumeRef.name'], told: 'spec.boot.kernel.volumeRef', class: 'NextBoot' },
    spec: { boot: kernelOf('xen-idle', `${words} vw.again`) },
    shows: /<kernel>.*default\.xen-idle/,
  },
  ...cloudInitChanges,
];

const known = { ...rear, name: 'lan', macAddress: '52:54:00:11:22:33' };
const off: readonly Change[] = [
  {
    ...{ fields: ['memory.maxSize'], told: 'spec.memory.maxSize', class: 'Restart' },
    spec: { memory: { size: '144Mi', maxSize: '144Mi' } },
    shows: /<memory unit='KiB'>147456</,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [{ ...rear, name: 'lan' }] },
    shows: /default\.xen-rear/,
  },
  {
    ...{ fields: ['interfaces[].macAddress'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [known] },
    shows: /52:54:00:11:22:33/,
  },
  {
    ...{ fields: ['interfaces[].model'], told: 'spec.interfaces[lan]', class: 'Impossible' },
    spec: { interfaces: [{ ...known, model: 'E1000e' }] },
  },
  {
    ...{ fields: ['devices.serial'], told: 'spec.devices.serial', class: 'Restart' },
    spec: { devices: undefined },
  },
];

/** What a paravirtualised guest is before the first of them. */
export const pvSpec: Spec = {
  cpu: { count: 1, maxCount: 1 },
  memory: { size: '128Mi', maxSize: '160Mi' },
  disks: [root],
  interfaces: [lan],
  cloudInit: { hostname: 'first' },
};

const maxCount: Change = {
  ...{ fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Restart' },
  spec: { cpu: { count: 1, maxCount: 2 } },
  shows: /<vcpu[^>]*>2</,
};
const mode = (to: 'PV' | 'PVH'): Change => ({
  ...{ fields: ['xen.mode'], told: 'spec.xen.mode', class: 'Restart' },
  spec: { xen: { mode: to } },
  shows: to === 'PV' ? /machine='xenpv'/ : /machine='xenpvh'/,
});

/** In this order, each with what those before it made of the machine. */
export const pvChanges = (words: string): readonly Change[] => [maxCount, ...whileItRuns([lan]), ...read(words), ...off, mode('PVH')];

/** One in a PVH container, which differs in what its guest takes part in. */
export const pvhSpec: Spec = { ...pvSpec, cpu: { count: 1, maxCount: 2 }, interfaces: [] };
export const pvhChanges = (words: string): readonly Change[] => [...whileItRuns([]), ...read(words).slice(0, 1), mode('PV')];
