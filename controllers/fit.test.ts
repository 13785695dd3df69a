import t from 'tap';
import { describeUnfit, unfit, unfitMachine } from './fit.js';

const capabilities = [
  { field: 'container', required: true, reason: 'it has containers alone' },
  { field: 'cpu.count', max: 4 },
] as const;
const cpu = { field: 'cpu.count', path: 'spec.cpu.count', given: 2 };
const container = { field: 'container', path: 'spec.container' };

t.test('what a host wants to be told of a machine, and nobody said, is told by its name', async (t) => {
  const misfits = unfitMachine([cpu], capabilities);
  t.same(
    misfits.map((misfit) => describeUnfit(misfit, 'lxc1')),
    ['spec.container: left out, lxc1 accepts anything (it has containers alone)'],
  );
  t.same(unfitMachine([cpu, container], capabilities), []);
});

t.test('of volumes and networks it wants nothing of the kind', async (t) => t.same(unfit([cpu], capabilities), []));

t.test('what is accepted may be less beside another field', async (t) => {
  const bus = { field: 'disks.bus', path: 'spec.disks[a].bus', given: 'IDE' };
  const firmware = (given: string) => ({ field: 'firmware.type', path: 'spec.firmware.type', given });
  const host = [
    { field: 'firmware.type', values: ['BIOS', 'UEFI'] },
    { field: 'disks.bus', values: ['IDE', 'SCSI'], within: [{ field: 'firmware.type', value: 'UEFI', values: ['SCSI'] }] },
  ];
  for (const fits of [[bus], [bus, firmware('BIOS')], [{ ...bus, given: 'SCSI' }, firmware('UEFI')]]) t.same(unfit(fits, host), []);
  t.same(
    unfit([bus, firmware('UEFI')], host).map((misfit) => describeUnfit(misfit, 'hv1')),
    ['spec.disks[a].bus: IDE given, hv1 accepts SCSI (with firmware.type UEFI)'],
  );
});

t.test('what only one kind of machine has is refused of the others, with the reason', async (t) => {
  const mode = (given: string) => ({ field: 'xen.mode', path: 'spec.xen.mode', given });
  const screen = { field: 'devices.graphics.type', path: 'spec.devices.graphics.type', given: 'VNC' };
  const drive = { field: 'disks.cdrom', path: 'spec.disks[tools].cdrom' };
  const pc = { field: 'xen.mode', value: 'HVM' };
  const host = [
    { field: 'xen.mode', values: ['PV', 'HVM'] },
    { field: 'boot.kernel', required: true, reason: 'PV begins with one', within: [{ ...pc, required: false }] },
    { field: 'devices.graphics.type', values: [], reason: 'HVM alone has one', within: [{ ...pc, values: ['VNC'] }] },
    { field: 'disks.cdrom', values: [], reason: 'HVM alone has any', within: [pc] },
  ] as const;
  t.same(unfitMachine([mode('HVM'), screen, drive], host), []);
  t.same(
    unfitMachine([mode('PV'), screen, drive], host).map((misfit) => describeUnfit(misfit, 'xen1')),
    [
      'spec.boot.kernel: left out, xen1 accepts anything (PV begins with one)',
      'spec.devices.graphics.type: VNC given, xen1 accepts nothing (HVM alone has one)',
      'spec.disks[tools].cdrom: asked for, xen1 accepts nothing (HVM alone has any)',
    ],
  );
  t.match(unfitMachine([mode('HVM'), { ...screen, given: 'SPICE' }], host), [{ accepted: 'VNC (with xen.mode HVM)' }]);
});
