import type { Change, Spec } from './change-table.js';
import { cloudInitChanges } from './cloud-init-changes.js';

const data = { name: 'data', volumeRef: { name: 'data' } };
const lan = { name: 'lan', networkRef: { name: 'hyperv-lan' } };
const memory = { size: '64Mi', minSize: '32Mi', maxSize: '128Mi' };
/** What the machine is before the first of them: of generation 2, and its memory dynamic. */
export const hypervSpec: Spec = { cpu: { count: 1 }, memory, firmware: { type: 'UEFI' }, disks: [data], interfaces: [lan] };

const more = { name: 'more', volumeRef: { name: 'more' } };
const disc = (cdrom: object) => ({ name: 'disc', cdrom });
const outside = { name: 'lan', networkRef: { name: 'hyperv-rear' } };
const known = { ...outside, vlan: 40, macAddress: '00:15:5d:11:22:33' };

/** In this order, each with what those before it made of the machine. */
export const hypervChanges: readonly Change[] = [
  ...cloudInitChanges,
  {
    ...{ fields: ['sysprep.answerFile'], told: 'spec.sysprep', class: 'NextBoot' },
    spec: { cloudInit: undefined, sysprep: { answerFile: '<unattend/>' } },
    shows: /virtwright-[0-9a-f-]{36}-seed-[0-9a-f]{16}\.iso/,
  },
  {
    ...{ fields: ['sysprep.answerFileSecretRef.name', 'sysprep.answerFileSecretRef.key'], told: 'spec.sysprep', class: 'NextBoot' },
    spec: { sysprep: { answerFileSecretRef: { name: 'told', key: 'one' } } },
  },
  {
    ...{ fields: ['ignition.config'], told: 'spec.ignition', class: 'NextBoot' },
    spec: { sysprep: undefined, ignition: { config: '{"ignition":{"version":"3.4.0"}}' } },
    shows: /"ignition\.config\.0":/,
  },
  {
    ...{ fields: ['ignition.configSecretRef.name', 'ignition.configSecretRef.key'], told: 'spec.ignition', class: 'NextBoot' },
    spec: { ignition: { configSecretRef: { name: 'told', key: 'config' } } },
  },
  {
    ...{ fields: ['cpu.count'], told: 'spec.cpu.count', class: 'Restart' },
    spec: { cpu: { count: 2 } },
    shows: /Msvm_ProcessorSettingData[^}]*"VirtualQuantity":"2"/,
  },
  { fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Impossible', spec: { cpu: { count: 2, maxCount: 4 } } },
  {
    ...{ fields: ['memory.size'], told: 'spec.memory.size', class: 'Restart' },
    spec: { memory: { ...memory, size: '96Mi' } },
    shows: /Msvm_MemorySettingData[^}]*"VirtualQuantity":"96"/,
  },
  {
    ...{ fields: ['memory.minSize'], told: 'spec.memory.minSize', class: 'Restart' },
    spec: { memory: { ...memory, size: '96Mi', minSize: '64Mi' } },
    shows: /Msvm_MemorySettingData[^}]*"Reservation":"64"/,
  },
  {
    ...{ fields: ['memory.maxSize'], told: 'spec.memory.maxSize', class: 'Restart' },
    spec: { memory: { size: '96Mi', minSize: '64Mi', maxSize: '256Mi' } },
    shows: /Msvm_MemorySettingData[^}]*"Limit":"256"/,
  },
  {
    ...{ fields: ['hyperv.memoryBufferPercent'], told: 'spec.hyperv.memoryBufferPercent', class: 'Restart' },
    spec: { hyperv: { memoryBufferPercent: 50 } },
    shows: /"TargetMemoryBuffer":"50"/,
  },
  {
    ...{ fields: ['hyperv.comPorts[].port'], told: 'spec.hyperv.comPorts', class: 'Restart' },
    spec: { hyperv: { memoryBufferPercent: 50, comPorts: [{ port: 'COM1' }] } },
    shows: /"Connection":\["[^"]*virtwright-[0-9a-f-]{36}-com1"\]/,
  },
  {
    ...{ fields: ['firmware.secureBoot'], told: 'spec.firmware.secureBoot', class: 'Restart' },
    spec: { firmware: { type: 'UEFI', secureBoot: true } },
    shows: /"SecureBootEnabled":"?true/i,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Hotplug' },
    spec: { disks: [data, { ...more, bus: 'SCSI' }] },
    shows: /default\.more/,
  },
  {
    ...{ fields: ['disks[].bus'], told: 'spec.disks[more]', class: 'Hotplug' },
    spec: { disks: [data] },
    shows: /^(?!.*default\.more)/,
  },
  {
    ...{ fields: ['disks[].cdrom.tray'], told: 'spec.disks[disc]', class: 'Restart' },
    spec: { disks: [data, disc({ tray: 'Empty' })] },
    shows: /Synthetic DVD/i,
  },
  {
    ...{ fields: ['disks[].cdrom.volumeRef.name'], told: 'spec.disks[disc]', class: 'Live' },
    spec: { disks: [data, disc({ volumeRef: { name: 'disc' } })] },
    shows: /disc\.iso/i,
  },
  {
    ...{ fields: ['disks[].cache'], told: 'spec.disks[data]', class: 'Impossible' },
    spec: { disks: [{ ...data, cache: 'None' }] },
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[lan]', class: 'Live' },
    spec: { interfaces: [outside] },
  },
  {
    ...{ fields: ['interfaces[].vlan'], told: 'spec.interfaces[lan]', class: 'Live' },
    spec: { interfaces: [{ ...outside, vlan: 40 }] },
    shows: /"AccessVlanId":"40"/,
  },
  {
    ...{ fields: ['interfaces[].macAddress'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [known] },
    shows: /00155D112233/i,
  },
  {
    ...{ fields: ['interfaces[].model'], told: 'spec.interfaces[san]', class: 'Restart' },
    spec: { interfaces: [known, { name: 'san', networkRef: { name: 'hyperv-lan' }, model: 'Synthetic' }] },
    shows: /"ElementName":"[^"]*san/,
  },
  {
    ...{ fields: ['firmware.type'], told: 'spec.firmware.type', class: 'Recreate' },
    spec: { firmware: { type: 'BIOS' } },
    shows: /SubType:1"/,
  },
];

/** Version 1 has generation 1 alone, and a tag there is the port's, not the machine's. */
export const hypervV1Spec: Spec = { cpu: { count: 1 }, memory, disks: [data], interfaces: [lan] };
export const hypervV1Changes: readonly Change[] = [
  ...hypervChanges
    .filter(({ told }) => !told.startsWith('spec.firmware.'))
    .map((change) => (change.shows?.source.includes('AccessVlanId') ? { ...change, shows: /"access":"40"/ } : change)),
  { fields: ['firmware.type'], told: 'spec.firmware.type', class: 'Impossible', spec: { firmware: { type: 'UEFI' } } },
];
