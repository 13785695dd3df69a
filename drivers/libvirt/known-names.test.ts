import t from 'tap';
import type { MachineId } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { KnownNames } from './known-names.js';

const id = 'machine' as MachineId;

const xml = (run: string, more = '') =>
  parseXml(
    `<domain type='kvm'${run}><devices>
      <disk type='file' device='disk'><source file='/pool/root'/><target dev='vda'/><alias name='ua-root'/></disk>
      <disk type='file' device='cdrom'><target dev='sda'/><alias name='ua-drive'/></disk>
      <interface type='network'><target dev='vnet3'/><alias name='ua-net_lan'/></interface>${more}
    </devices></domain>`,
    'XML',
  );

t.test('what was read of a machine that runs need not be asked for', async (t) => {
  const names = new KnownNames();
  names.note(id, xml(" id='7'"));
  const targets = ['disk vda /pool/root', 'disk sda ', 'interface vnet3'];
  const known = names.of(id, 7, targets);
  t.same(
    targets.map((target) => known?.get(target)),
    ['root', 'drive', 'lan'],
  );
  t.equal(names.of(id, 7, ['disk vda '])?.get('disk vda '), 'root', 'of hosts that do not tell what is behind it');
});

t.test('nothing is taken for known that was not read of this run', async (t) => {
  const names = new KnownNames();
  names.note(id, xml(" id='7'"));
  t.equal(names.of(id, 8, ['disk vda /pool/root']), undefined, 'another run');
  t.equal(names.of(id, 7, ['disk vda /pool/other']), undefined, 'another disk at the same place');
  t.equal(names.of(id, 7, ['disk vda /pool/root', 'disk vdb /pool/more']), undefined, 'one that came later');
  t.same(names.of(id, 8, []), new Map(), 'and of none nothing is asked');
  names.note(id, xml(''));
  t.equal(names.of(id, 7, ['disk vda /pool/root']), undefined, 'it is off');
  names.note(id, xml(" id='9'"));
  names.keep(new Set());
  t.equal(names.of(id, 9, ['disk vda /pool/root']), undefined, 'it is gone');
});
