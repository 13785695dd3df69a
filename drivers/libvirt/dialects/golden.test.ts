import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { golden, offers } from '#test/golden/dialects/offers.js';
import { readMark } from '../xml/metadata.js';
import { virtualBox, virtuozzo } from './seen.js';

const run = promisify(execFile);
const schema = '/usr/share/libvirt/schemas/domain.rng';
const unlinted = existsSync('/usr/bin/xmllint') || process.env['CI'] === 'true' ? false : 'needs libxml2-utils';

const mark: Mark = {
  owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: '7d4c2f1e-0000-4000-8000-000000000001' },
  record: '{"boot":{"number":2},"note":"a < b & \\"c\\"\\n"}',
};
const plain: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.db',
  cpuCount: 2,
  memoryBytes: 2 ** 29,
  disks: [],
  interfaces: [{ name: 'lan', network: 'shop-net', macAddress: '52:54:00:12:34:56' }],
  serial: false,
  rng: false,
};
const raw = { name: 'root', location: '/pool/shop.db-root', format: 'Raw' } as const;
const vnc = { type: 'VNC', password: 'secret' } as const;

interface Sample {
  /** Everything that it takes. */
  readonly whole: MachineDefinition;
  /** What it does not take, and the field by which it is refused. */
  readonly refused: readonly (readonly [Partial<MachineDefinition>, RegExp])[];
}

const samples: Readonly<Record<keyof typeof offers, Sample>> = {
  bhyve: {
    whole: {
      ...plain,
      ...{ disks: [raw, { ...raw, name: 'data', location: '/pool/shop.db-data', bus: 'SATA' }], serial: true, graphics: vnc },
      ...{
        firmware: 'UEFI',
        cdroms: [{ name: 'tools', location: '/pool/tools.iso' }],
        seed: { kind: 'CloudInit', location: '/pool/seed' },
      },
    },
    refused: [
      [{ disks: [{ ...raw, format: 'Qcow2' }] }, /^disks.format: Qcow2 was given; accepted: Raw/],
      [{ disks: [{ ...raw, bus: 'VirtioScsi' }] }, /^disks.bus: VirtioScsi was given; accepted: VirtioBlk, SATA/],
      [{ disks: [{ ...raw, location: '/dev/zvol/tank/db' }] }, /^disk "root": location/],
      [{ cdroms: [{ name: 'tools' }] }, /^disk "tools": cdrom: an empty tray/],
      [{ graphics: { type: 'VNC', password: 'a,b' } }, /^devices.graphics.password/],
      [{ firmware: 'BIOS' }, /^firmware.type: BIOS was given; accepted: UEFI/],
      [{ rng: true }, /^devices.rng was given; accepted: nothing/],
      [{ boot: { kernel: '/k' } }, /^boot.kernel/],
    ],
  },
  'cloud-hypervisor': {
    whole: {
      ...plain,
      boot: { kernel: '/pool/hypervisor-fw', initrd: '/pool/initrd', commandLine: 'console=hvc0' },
      ...{ serial: true, seed: { kind: 'CloudInit', location: '/pool/seed' } },
    },
    refused: [
      [{ graphics: vnc }, /^devices.graphics.type/],
      [{ firmware: 'UEFI' }, /^firmware.type/],
      [{ disks: [raw] }, /^disks: "root" given; accepted: none, as Cloud Hypervisor finds out by itself what format a disk has/],
      [{ cdroms: [{ name: 'tools', location: '/pool/tools.iso' }] }, /^disks.cdrom/],
    ],
  },
};

/** What libvirt's own schema says. */
function lint(xml: string): Promise<unknown> {
  const linting = run('xmllint', ['--noout', '--relaxng', schema, '-']);
  linting.child.stdin?.end(xml);
  return linting;
}

for (const name of ['bhyve', 'cloud-hypervisor'] as const) {
  const { dialect, offer } = offers[name];
  const { whole, refused } = samples[name];

  t.test(`${name}: a definition is written as its golden file has it, and read back to the letter`, async (t) => {
    dialect.check(whole);
    offer.check(whole);
    const made = offer.create(whole, mark);
    const written = serializeXml(dialect.names.write(made));
    t.equal(`${written}\n`, golden(name));
    const read = dialect.names.read(parseXml(written, name));
    const { uuid: _, nativeName: __, ...shape } = whole;
    t.match(dialect.readShape(read), shape);
    t.strictSame(readMark(read), mark);
    t.equal(dialect.edit(read, whole, mark), read, 'and then there is nothing to change');
    const emptied = dialect.edit(read, { ...plain, boot: whole.boot, disks: [] } as MachineDefinition, mark);
    t.match(dialect.readShape(emptied), { disks: [], serial: false });
  });

  t.test(`${name}: what is written is what libvirt's schema takes`, { skip: unlinted }, async (t) => {
    await t.resolves(lint(golden(name)));
  });

  t.test(`${name}: what it does not take is refused by name`, async (t) => {
    for (const [change, message] of refused)
      t.throws(
        () => {
          dialect.check({ ...whole, ...change });
          offer.check({ ...whole, ...change });
        },
        { message },
      );
  });
}

t.test('a machine of bhyve keeps its firmware, one of Cloud Hypervisor has a kernel', async (t) => {
  const made = offers.bhyve.offer.create({ ...plain, firmware: 'UEFI' }, mark);
  t.equal(offers.bhyve.dialect.readShape(made).firmware, 'UEFI', 'the best, where nobody said any');
  t.throws(() => offers.bhyve.dialect.edit(made, { ...plain, firmware: 'BIOS' }, mark), {
    message: /^firmware.type: BIOS was given; accepted: UEFI/,
  });
  t.throws(() => offers['cloud-hypervisor'].dialect.check(plain), { message: /^boot.kernel: nothing was given; accepted: a kernel/ });
});

t.test('what is on Virtuozzo and VirtualBox is seen, nothing is made there, and it says why', async (t) => {
  for (const [hypervisor, dialect, type] of [
    ['Virtuozzo', virtuozzo, 'vz'],
    ['VirtualBox', virtualBox, 'vbox'],
  ] as const) {
    const message = new RegExp(`accepted: nothing, as ${hypervisor} by libvirt keeps no word of whose a machine is`);
    t.throws(() => dialect.check(plain), { code: 'Unsupported', message });
    const theirs = parseXml(
      `<domain type='${type}'><name>db</name><uuid>${plain.uuid}</uuid><memory unit='KiB'>1048576</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os><devices/></domain>`,
      hypervisor,
    );
    t.match(dialect.readShape(theirs), { cpuCount: 2, memoryBytes: 2 ** 30, disks: [] });
    t.throws(() => dialect.edit(theirs, plain, mark), { code: 'Unsupported', message });
  }
});
