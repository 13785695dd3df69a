import type { Change, Spec } from './change-table.js';
import { cloudInitChanges } from './cloud-init-changes.js';

const data = { name: 'data', volumeRef: { name: 'data' } };
const lan = { name: 'lan', networkRef: { name: 'quiet' }, macAddress: '52:54:00:11:22:33' };
/** What the machine is before the first of them. It boots firmware and nothing else. */
export const qemuSpec: Spec = {
  cpu: { count: 1, maxCount: 2 },
  memory: { size: '96Mi' },
  disks: [data],
  interfaces: [lan],
  // Where nothing is said, a host with a place for it tells a machine its own name.
  cloudInit: { hostname: 'first' },
};

const cpu: readonly Change[] = [
  {
    ...{ fields: ['cpu.count'], told: 'spec.cpu.count', class: 'Hotplug' },
    spec: { cpu: { count: 2, maxCount: 2 } },
    shows: /<vcpu placement='static'>2</,
  },
  {
    ...{ fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Restart' },
    spec: { cpu: { count: 2, maxCount: 3 } },
    shows: /<vcpu[^>]*>3</,
  },
  {
    ...{ fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Restart' },
    spec: { cpu: { count: 2, maxCount: 2 } },
    shows: /<vcpu[^>]*>2</,
  },
  {
    ...{ fields: ['cpu.shares'], told: 'spec.cpu.shares', class: 'Live' },
    spec: { cpu: { count: 2, maxCount: 2, shares: 50 } },
    shows: /<shares>50</,
  },
  { fields: ['memory.minSize'], told: 'spec.memory.minSize', class: 'Impossible', spec: { memory: { size: '96Mi', minSize: '64Mi' } } },
  {
    ...{ fields: ['boot.order[]'], told: 'spec.boot.order', class: 'NextBoot' },
    spec: { boot: { order: ['data', 'lan'] } },
    shows: /<boot order='2'/,
  },
];

const more = { name: 'more', volumeRef: { name: 'more' } };
const some = { readIops: 100, writeIops: 200, readBytes: '1Mi', writeBytes: '2Mi' };
const all = { totalIops: 300, totalBytes: '3Mi' };
const disc = (cdrom: object) => ({ name: 'disc', bus: 'SATA', cdrom });
const withDisks = (...disks: readonly object[]): Spec => ({ disks });
const tuned = { ...data, limits: all, cache: 'None', io: 'Native', discard: 'Unmap', serial: 'S1' };
const others = [{ ...more, bus: 'VirtioBlk' }, disc({ tray: 'Empty' })];

const disks: readonly Change[] = [
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Hotplug' },
    spec: withDisks(data, { ...more, bus: 'VirtioScsi' }),
    shows: /bus='scsi'/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Restart' },
    spec: withDisks(data, { ...more, bus: 'VirtioBlk' }),
    shows: /default\.more[\s\S]*?<target dev='vd/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[slow]', class: 'Restart' },
    spec: withDisks(data, { ...more, bus: 'VirtioBlk' }, { name: 'slow', volumeRef: { name: 'slow' }, bus: 'SATA' }),
    shows: /default\.slow/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[slow]', class: 'Restart' },
    spec: withDisks(data, { ...more, bus: 'VirtioBlk' }),
    shows: /^(?![\s\S]*default\.slow)/,
  },
  {
    ...{ fields: ['disks[].cdrom.volumeRef.name'], told: 'spec.disks[disc]', class: 'Restart' },
    spec: withDisks(data, others[0] as object, disc({ volumeRef: { name: 'slow' } })),
    shows: /device='cdrom'/,
  },
  {
    ...{ fields: ['disks[].cdrom.volumeRef.name'], told: 'spec.disks[disc]', class: 'Live' },
    spec: withDisks(data, others[0] as object, disc({ volumeRef: { name: 'other' } })),
    shows: /default\.other/,
  },
  {
    ...{ fields: ['disks[].cdrom.tray'], told: 'spec.disks[disc]', class: 'Live' },
    spec: withDisks(data, ...others),
    shows: /^(?![\s\S]*default\.other)/,
  },
  {
    ...{ fields: Object.keys(some).map((limit) => `disks[].limits.${limit}`), told: 'spec.disks[data]', class: 'Live' },
    spec: withDisks({ ...data, limits: some }, ...others),
    shows: /<read_bytes_sec>1048576<[\s\S]*<write_iops_sec>200</,
  },
  {
    ...{ fields: Object.keys(all).map((limit) => `disks[].limits.${limit}`), told: 'spec.disks[data]', class: 'Live' },
    spec: withDisks({ ...data, limits: all }, ...others),
    shows: /<total_bytes_sec>3145728<[\s\S]*<total_iops_sec>300</,
  },
  {
    ...{ fields: ['disks[].cache'], told: 'spec.disks[data]', class: 'Restart' },
    spec: withDisks({ ...data, limits: all, cache: 'None' }, ...others),
    shows: /cache='none'/,
  },
  {
    ...{ fields: ['disks[].io'], told: 'spec.disks[data]', class: 'Restart' },
    spec: withDisks({ ...data, limits: all, cache: 'None', io: 'Native' }, ...others),
    shows: /io='native'/,
  },
  {
    ...{ fields: ['disks[].discard'], told: 'spec.disks[data]', class: 'Restart' },
    spec: withDisks({ ...data, limits: all, cache: 'None', io: 'Native', discard: 'Unmap' }, ...others),
    shows: /discard='unmap'/,
  },
  {
    ...{ fields: ['disks[].serial'], told: 'spec.disks[data]', class: 'Restart' },
    spec: withDisks(tuned, ...others),
    shows: /<serial>S1</,
  },
];

const other = { ...lan, networkRef: { name: 'rear' } };
const san = { name: 'san', networkRef: { name: 'quiet' } };
const known = { ...other, model: 'E1000e', mtu: 1400, macAddress: '52:54:00:44:55:66' };
const interfaces: readonly Change[] = [
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[lan]', class: 'Live' },
    spec: { interfaces: [other] },
    shows: /network='default\.rear'/,
  },
  {
    ...{ fields: ['interfaces[].linkState'], told: 'spec.interfaces[lan]', class: 'Live' },
    spec: { interfaces: [{ ...other, linkState: 'Down' }] },
    shows: /<link state='down'/,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[san]', class: 'Hotplug' },
    spec: { interfaces: [other, san] },
    shows: /network='default\.quiet'/,
  },
  {
    ...{ fields: ['interfaces[].model'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [{ ...other, model: 'E1000e' }, san] },
    shows: /<model type='e1000e'/,
  },
  {
    ...{ fields: ['interfaces[].mtu'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [{ ...other, model: 'E1000e', mtu: 1400 }, san] },
    shows: /<mtu size='1400'/,
  },
  {
    ...{ fields: ['interfaces[].macAddress'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [known, san] },
    shows: /52:54:00:44:55:66/,
  },
  {
    ...{ fields: ['interfaces[].vlan'], told: 'spec.interfaces[lan]', class: 'Impossible' },
    spec: { interfaces: [{ ...known, vlan: 40 }, san] },
  },
];

const serial = { serial: {} };
const screen = (key: string) => ({
  serial: {},
  rng: {},
  guestAgent: {},
  graphics: { type: 'VNC', passwordSecretRef: { name: 'told', key } },
});
const devices: readonly Change[] = [
  { fields: ['devices.serial'], told: 'spec.devices.serial', class: 'Restart', spec: { devices: serial }, shows: /<serial / },
  { fields: ['devices.rng'], told: 'spec.devices.rng', class: 'Restart', spec: { devices: { ...serial, rng: {} } }, shows: /<rng / },
  {
    ...{ fields: ['devices.guestAgent'], told: 'spec.devices.guestAgent', class: 'Restart' },
    spec: { devices: { ...serial, rng: {}, guestAgent: {} } },
    shows: /org\.qemu\.guest_agent/,
  },
  {
    ...{ fields: ['devices.graphics.type'], told: 'spec.devices.graphics', class: 'Restart' },
    spec: { devices: screen('one') },
    shows: /<graphics type='vnc'/,
  },
  {
    ...{ fields: ['devices.graphics.passwordSecretRef.name', 'devices.graphics.passwordSecretRef.key'], class: 'Live' },
    told: 'spec.devices.graphics',
    spec: { devices: screen('two') },
    shows: /passwd='secret-2'/,
  },
];

const kernel = { volumeRef: { name: 'kernel' }, initrdVolumeRef: { name: 'initrd' } };
/** Only the next start reads these. */
const read: readonly Change[] = [
  ...cloudInitChanges,
  {
    ...{ fields: ['ignition.config'], told: 'spec.ignition', class: 'NextBoot' },
    spec: { cloudInit: undefined, ignition: { config: '{"ignition":{"version":"3.4.0"}}' } },
    shows: /<sysinfo type='fwcfg'/,
  },
  {
    ...{ fields: ['ignition.configSecretRef.name', 'ignition.configSecretRef.key'], told: 'spec.ignition', class: 'NextBoot' },
    spec: { ignition: { configSecretRef: { name: 'told', key: 'config' } } },
  },
  {
    ...{ fields: ['sysprep.answerFile'], told: 'spec.sysprep', class: 'NextBoot' },
    spec: { ignition: undefined, sysprep: { answerFile: '<unattend/>' } },
  },
  {
    ...{ fields: ['sysprep.answerFileSecretRef.name', 'sysprep.answerFileSecretRef.key'], told: 'spec.sysprep', class: 'NextBoot' },
    spec: { sysprep: { answerFileSecretRef: { name: 'told', key: 'one' } } },
  },
  {
    ...{ fields: ['boot.kernel.volumeRef.name'], told: 'spec.boot.kernel.volumeRef', class: 'NextBoot' },
    spec: { boot: { kernel: { volumeRef: kernel.volumeRef } } },
    shows: /<kernel>.*default\.kernel/,
  },
  {
    ...{ fields: ['boot.kernel.initrdVolumeRef.name'], told: 'spec.boot.kernel.initrdVolumeRef', class: 'NextBoot' },
    spec: { boot: { kernel } },
    shows: /<initrd>.*default\.initrd/,
  },
];

/** With this the test's guest boots at the next start: what goes while a machine runs its guest has to let go of. */
const guest = (words: string): readonly Change[] => [
  {
    ...{ fields: ['boot.kernel.commandLine'], told: 'spec.boot.kernel.commandLine', class: 'NextBoot' },
    spec: { boot: { kernel: { ...kernel, commandLine: words } } },
    shows: /<cmdline>/,
  },
  {
    ...{ fields: ['memory.maxSize'], told: 'spec.memory.maxSize', class: 'Restart' },
    spec: { memory: { size: '96Mi', maxSize: '128Mi' } },
    shows: /<memory unit='KiB'>131072</,
  },
  {
    ...{ fields: ['memory.size'], told: 'spec.memory.size', class: 'Live' },
    spec: { memory: { size: '128Mi', maxSize: '128Mi' } },
    shows: /<currentMemory unit='KiB'>131072</,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[san]', class: 'Hotplug' },
    spec: { interfaces: [known] },
    shows: /^(?![\s\S]*network='default\.quiet')/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Hotplug' },
    spec: withDisks(tuned, disc({ tray: 'Empty' })),
    shows: /^(?![\s\S]*default\.more)/,
  },
];

const secure = { type: 'UEFI', secureBoot: true };
const firmware: readonly Change[] = [
  {
    ...{ fields: ['firmware.type'], told: 'spec.firmware.type', class: 'Restart' },
    spec: { firmware: { type: 'UEFI' } },
    shows: /firmware='efi'|pflash/,
  },
  {
    ...{ fields: ['firmware.secureBoot'], told: 'spec.firmware.secureBoot', class: 'Restart' },
    spec: { firmware: secure },
    shows: /secure='yes'/,
  },
  {
    ...{ fields: ['firmware.tpm'], told: 'spec.firmware.tpm', class: 'Restart' },
    spec: { firmware: { ...secure, tpm: 'V2' } },
    shows: /<tpm /,
  },
];

/** In this order, each with what those before it made of the machine. */
export const qemuChanges = (words: string): readonly Change[] => [
  ...cpu,
  ...disks,
  ...interfaces,
  ...devices,
  ...read,
  ...guest(words),
  ...firmware,
];
