import t from 'tap';
import type { MachineDefinition } from '#drivers/driver.js';
import type { Means } from '../dialect.js';
import { pretended } from './dialect.js';

const guest = { osType: 'hvm', architecture: 'x86_64', domainTypes: ['test'], emulator: undefined, machines: [] };
const facts = { host: { architecture: 'x86_64', guests: [guest] }, cpuCount: 4, memoryBytes: 2 ** 32 };
const machine: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.db',
  cpuCount: 1,
  memoryBytes: 2 ** 28,
  disks: [],
  interfaces: [],
  serial: true,
  rng: false,
};

t.test('what no capability tells is refused by its name, also where QEMU takes it', async (t) => {
  const offer = await pretended.offer(facts, {} as Means, AbortSignal.timeout(1_000));
  if (offer === undefined) throw new Error('no offer');
  offer.check(machine);
  t.throws(() => offer.check({ ...machine, serialLog: '/pool/db.console' }), {
    code: 'Unsupported',
    message: "devices.serial.log: /pool/db.console was given; accepted: nothing, as libvirt's test driver has none",
  });
  t.throws(() => offer.check({ ...machine, graphics: { type: 'VNC' } }), { code: 'Unsupported', message: /^devices.graphics.type: VNC/ });
});
