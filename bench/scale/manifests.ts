import type { Manifest } from '#controllers/kubernetes/client.js';

export const namespace = 'default';
export const pool = 'fast';

const padded = (number: number): string => `${number}`.padStart(5, '0');
export const hostName = (number: number): string => `host-${padded(number)}`;
export const machineName = (number: number): string => `m-${padded(number)}`;

export const hypervisor = (number: number): Manifest => ({
  metadata: { name: hostName(number) },
  spec: { uri: `fake:///${hostName(number)}`, defaultPoolRef: { name: pool } },
});

export const storagePool: Manifest = { metadata: { name: pool }, spec: { directory: { path: '/var/lib/virtwright/fast' } } };

/** The smallest that has a disk: its volume is made from the template, and goes with it. */
export const machine = (number: number): Manifest => ({
  metadata: { name: machineName(number), namespace },
  spec: {
    memory: { size: '256Mi' },
    disks: [{ name: 'root', volumeTemplate: { size: '1Gi', whenDeleted: 'Delete' } }],
  },
});
