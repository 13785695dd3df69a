import t from 'tap';
import type { MachineDefinition } from '#drivers/driver.js';
import { mustFit } from './fits.js';

const machine: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.db',
  cpuCount: 1,
  memoryBytes: 2 ** 28,
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};
const told = {
  host: 'bhyve',
  capabilities: [
    { field: 'nativeName', max: 10 },
    { field: 'cpu.count', min: 1, max: 4 },
    { field: 'memory.size', min: 2 ** 20, max: 2 ** 30 },
    { field: 'disks.format', values: ['Raw'] },
    { field: 'disks.bus', values: ['SATA'], reason: 'AHCI alone' },
  ],
};
const disk = { name: 'root', location: '/p/root', format: 'Raw' } as const;

t.test('what is told is taken', async (t) => {
  mustFit(machine, told);
  mustFit({ ...machine, disks: [{ ...disk, bus: 'SATA' }], cpuCount: 4 }, told);
  t.pass();
});

t.test('all else is refused by its name, with what would be accepted', async (t) => {
  const refusals: readonly (readonly [Partial<MachineDefinition>, string, string])[] = [
    [{ cpuCount: 5 }, 'Invalid', 'cpu.count: 5 was given; accepted: at most 4'],
    [{ memoryBytes: 1 }, 'Invalid', 'memory.size: 1 was given; accepted: at least 1048576'],
    [{ nativeName: 'shop.databases' }, 'Invalid', 'nativeName: 14 was given; accepted: at most 10'],
    [{ disks: [{ ...disk, format: 'Qcow2' }] }, 'Invalid', 'disks.format: Qcow2 was given; accepted: Raw'],
    [{ disks: [{ ...disk, bus: 'NVMe' }] }, 'Invalid', 'disks.bus: NVMe was given; accepted: SATA (AHCI alone)'],
    [
      { disks: [{ ...disk, limits: { readIops: 1 } }] },
      'Unsupported',
      'disks.limits: readIops was given; accepted: nothing, as bhyve has none',
    ],
    [{ rng: true }, 'Unsupported', 'devices.rng was given; accepted: nothing, as bhyve has none'],
    [
      { graphics: { type: 'VNC', password: 'secret' } },
      'Unsupported',
      'devices.graphics.type: VNC was given; accepted: nothing, as bhyve has none',
    ],
    [{ tpm: 'V2' }, 'Unsupported', 'firmware.tpm: V2 was given; accepted: nothing, as bhyve has none'],
  ];
  for (const [change, code, message] of refusals) t.throws(() => mustFit({ ...machine, ...change }, told), { code, message });
});

t.test('a password is never told', async (t) => {
  const capabilities = [...told.capabilities, { field: 'devices.graphics.type', values: ['VNC'] }];
  t.throws(() => mustFit({ ...machine, graphics: { type: 'VNC', password: 'secret' } }, { ...told, capabilities }), {
    message: 'devices.graphics.password was given; accepted: nothing, as bhyve has none',
  });
});
