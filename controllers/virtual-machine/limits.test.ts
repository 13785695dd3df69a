import t from 'tap';
import type { MachineDefinition, MachineDisk } from '#drivers/driver.js';
import { limitsTaken, noteLimits } from './limits.js';
import { decodeRecord, encodeRecord } from './record-text.js';

const disk = (name: string, limits?: MachineDisk['limits']): MachineDisk => ({
  name,
  location: `/p/${name}`,
  format: 'Raw',
  ...(limits === undefined ? {} : { limits }),
});
const definition = (...disks: readonly MachineDisk[]): MachineDefinition => ({
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  cpuCount: 1,
  memoryBytes: 100,
  disks,
  interfaces: [],
  serial: false,
  rng: false,
});

t.test('limits that were asked for are taken away once nobody asks for them, others are left', async (t) => {
  const record = noteLimits({ failures: 1 }, definition(disk('root', { readIops: 5 }), disk('data', {}), disk('more')));
  t.same(record, { failures: 1, limited: ['root'] });
  t.same(decodeRecord(encodeRecord(record)), record, 'a record keeps it');
  const silent = definition(disk('root'), disk('more'));
  t.same(
    limitsTaken(silent, record).disks.map(({ limits }) => limits),
    [{}, undefined],
  );
  t.same(noteLimits(record, silent), { failures: 1 }, 'and it is noted no more');
  const asked = definition(disk('root', { readIops: 6 }));
  t.same(limitsTaken(asked, record), asked);
});

t.test('a record that a hand wrote limits nothing that has no name', async (t) => {
  t.same(decodeRecord('{"limited":"root"}'), {});
  t.same(decodeRecord('{"limited":[7,"root",null]}'), { limited: ['root'] });
});
