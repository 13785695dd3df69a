import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import type { MachineDefinition, MachineDisk, MachineShape, Mark } from '#drivers/driver.js';
import { mapChildren } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { readServerPlace } from '../../xml/graphics.js';
import { macAddressOf } from '../../xml/interface.js';
import { markElement, readMark, withMark } from '../../xml/metadata.js';
import { readHardware, readIdentity, readShape } from '../../xml/read.js';
import { createDomain, type DomainBase } from './domain.js';
import { editDomain } from './edit.js';

function golden(name: string): XmlElement {
  return parseXml(readFileSync(`test/golden/libvirt/${name}.xml`, 'utf8'), name);
}

const base: DomainBase = {
  domainType: 'qemu',
  architecture: 'x86_64',
  machine: 'pc-q35-7.2',
  emulator: '/usr/bin/qemu-system-x86_64',
  cpuMode: 'maximum',
};
const mark: Mark = {
  owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: '7d4c2f1e-0000-4000-8000-000000000001' },
  record: '{"stopRequestedAt":"2026-01-01T00:00:00Z","note":"a < b & \\"c\\""}',
};
const small: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.small',
  cpuCount: 1,
  memoryBytes: 2 ** 28,
  firmware: 'BIOS',
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};
const root: MachineDisk = {
  name: 'root',
  location: '/var/lib/virtwright/fast/shop.full-root-7d4c2f1e',
  format: 'Qcow2',
  serial: 'root-7d4c2f1e',
  bus: 'VirtioBlk',
};
const data: MachineDisk = { name: 'data', location: '/var/lib/virtwright/fast/shop.full-data & more', format: 'Raw', bus: 'VirtioBlk' };
const full: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000002',
  nativeName: 'shop.full',
  cpuCount: 2,
  memoryBytes: 2 ** 29,
  firmware: 'BIOS',
  boot: {
    kernel: '/var/lib/virtwright/system/vmlinuz',
    initrd: '/var/lib/virtwright/system/initrd',
    commandLine: 'console=ttyS0 root=/dev/vda1 quoted="a b"',
  },
  disks: [root, data],
  interfaces: [],
  serial: true,
  rng: true,
};
const wired: MachineDefinition = {
  ...small,
  uuid: '7d4c2f1e-0000-4000-8000-000000000003',
  nativeName: 'shop.wired',
  interfaces: [
    { name: 'lan', network: 'br-lan' },
    { name: 'san', network: 'br-lan', model: 'E1000e', macAddress: '52:54:00:12:34:56' },
  ],
};
/** What the hand-made machine already is. */
const rich: MachineDefinition = {
  ...readIdentity(golden('domain-rich')),
  graphics: { type: 'VNC', password: 'secret1' },
  guestAgent: true,
  cpuCount: 2,
  memoryBytes: 2 ** 32,
  firmware: 'UEFI',
  disks: [
    { name: 'root', location: '/srv/images/legacy-db.qcow2', format: 'Qcow2', serial: 'root-1' },
    { name: 'data', location: '/dev/vg0/legacy-db-data', format: 'Raw' },
  ],
  interfaces: [],
  serial: false,
  rng: true,
};

function shapeOf({ uuid: _uuid, nativeName: _nativeName, ...shape }: MachineDefinition): MachineShape {
  return shape;
}

function reread(domain: XmlElement): XmlElement {
  return parseXml(serializeXml(domain), 'domain');
}

t.test('what libvirt made of our XML reads as what was asked, and needs no edit', async (t) => {
  for (const [name, definition] of [
    ['domain-small', small],
    ['domain-small-running', small],
    ['domain-full', full],
  ] as const) {
    const domain = golden(name);
    t.strictSame(readShape(domain), shapeOf(definition), name);
    t.strictSame(readIdentity(domain), { uuid: definition.uuid, nativeName: definition.nativeName });
    t.strictSame(readMark(domain), mark);
    t.equal(editDomain(domain, definition, mark), domain, `${name} stays the same object`);
  }
});

t.test('an interface keeps the address that it was given first, and changes only where it is asked to', async (t) => {
  const chosen = { name: 'lan', network: 'br-lan', model: 'Virtio' as const, macAddress: '52:54:00:5a:62:7e' };
  for (const name of ['domain-wired', 'domain-wired-running']) {
    const domain = golden(name);
    t.strictSame(readShape(domain).interfaces, [chosen, wired.interfaces[1]], name);
    t.equal(editDomain(domain, wired, mark), domain, `${name} stays the same object`);
  }
  const xml = serializeXml(createDomain(wired, mark, base));
  for (const part of [
    `<interface type="network"><mac address="${macAddressOf(wired.uuid, 'lan')}"/><source network="br-lan"/><model type="virtio"/>`,
    '<interface type="network"><mac address="52:54:00:12:34:56"/><source network="br-lan"/><model type="e1000e"/><alias name="ua-net_san"/>',
  ])
    t.ok(xml.includes(part), part);
  const [lan = chosen, san = chosen] = wired.interfaces;
  const interfaceIn = (interfaces: MachineDefinition['interfaces'], at: number) =>
    elements(child(editDomain(golden('domain-wired'), { ...wired, interfaces }, mark), 'devices'), 'interface')[at];
  const moved = interfaceIn([{ ...lan, network: 'br-dmz' }, san], 0);
  t.strictSame([attribute(child(moved, 'source'), 'network'), attribute(child(moved, 'mac'), 'address')], ['br-dmz', chosen.macAddress]);
  t.ok(child(moved, 'address'), 'and stays in its slot');
  t.equal(attribute(child(interfaceIn([{ ...lan, model: 'E1000e' }, san], 0), 'model'), 'type'), 'e1000e');
  t.equal(attribute(child(interfaceIn([{ ...lan, macAddress: '52:54:00:00:00:09' }, san], 0), 'mac'), 'address'), '52:54:00:00:00:09');
  t.equal(interfaceIn([san], 1), undefined);
});

t.test('secure boot has its own variables, and never those that were written without it', async (t) => {
  const os = (domain: XmlElement) => serializeXml(child(domain, 'os') ?? element('nothing'));
  const secure = { ...small, firmware: 'UEFI', secureBoot: true } as const;
  const features = '<firmware><feature enabled="yes" name="secure-boot"/><feature enabled="yes" name="enrolled-keys"/></firmware>';
  const made = createDomain(secure, mark, base);
  t.match(os(made), `${features}<nvram>/var/lib/libvirt/qemu/nvram/shop.small_SB.fd</nvram></os>`);
  t.match(readShape(reread(made)), { firmware: 'UEFI', secureBoot: true });
  t.equal(editDomain(made, secure, mark), made);
  const { secureBoot: _, ...silent } = secure;
  t.equal(editDomain(made, silent, mark), made, 'as it is, when nobody speaks of it');
  t.equal(os(editDomain(made, { ...secure, secureBoot: false }, mark)), os(createDomain(silent, mark, base)));
  const plain = parseXml(
    `<domain><os firmware='efi'><type>hvm</type><loader type='pflash'>/x</loader><nvram>/srv/nvram/a_VARS.fd</nvram></os><devices/></domain>`,
    'domain',
  );
  t.match(os(editDomain(plain, secure, mark)), `${features}<nvram>/srv/nvram/shop.small_SB.fd</nvram></os>`, 'beside the others');
  const byHand = parseXml("<domain><os><loader secure='yes' type='pflash'>/x</loader></os></domain>", 'domain');
  t.match(readShape(byHand), { firmware: 'UEFI', secureBoot: true });
  for (const firmware of ['BIOS', undefined] as const) {
    const { firmware: __, ...rest } = secure;
    t.throws(() => createDomain(firmware === undefined ? rest : { ...rest, firmware }, mark, base), {
      code: 'Invalid',
      message: /^firmware.secureBoot: true with firmware .* accepted: it with firmware.type UEFI/,
    });
  }
});

t.test('a TPM is put in and taken out, and that of the host is left alone', async (t) => {
  const trusted = { ...small, tpm: 'V2' } as const;
  const made = createDomain(trusted, mark, base);
  t.match(serializeXml(made), '<tpm model="tpm-crb"><backend type="emulator" version="2.0" persistent_state="yes"/></tpm>');
  t.equal(readShape(reread(made)).tpm, 'V2');
  t.match(readHardware(made), { tpm: 'CRB' });
  t.equal(editDomain(made, trusted, mark), made);
  t.equal(serializeXml(editDomain(made, small, mark)), serializeXml(createDomain(small, mark, base)));
  const devices = (tpm: string) => parseXml(`<domain><devices>${tpm}</devices></domain>`, 'domain');
  const old = devices("<tpm model='tpm-tis'><backend type='emulator' version='1.2'/></tpm>");
  t.match(
    serializeXml(editDomain(old, trusted, mark)),
    /<devices><tpm model="tpm-crb">.*<\/tpm><\/devices>/,
    'another version is another TPM',
  );
  const passed = devices("<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>");
  t.equal(readShape(passed).tpm, undefined);
  t.match(serializeXml(editDomain(passed, small, mark)), '/dev/tpm0');
});

t.test('a screen comes with what it is seen and pointed at by, and goes with it', async (t) => {
  const graphics = { type: 'VNC', password: 'a<b&"c' } as const;
  const shown = createDomain({ ...small, graphics }, mark, base);
  const xml = serializeXml(shown);
  for (const part of [
    '<graphics type="vnc" port="-1" autoport="yes" passwd="a&lt;b&amp;&quot;c"><listen type="address" address="127.0.0.1"/></graphics>',
    '<video><model type="vga"/><alias name="ua-graphics_video"/></video>',
    '<input type="tablet" bus="usb"><alias name="ua-graphics_tablet"/></input>',
  ])
    t.ok(xml.includes(part), part);
  t.strictSame(readShape(reread(shown)).graphics, graphics);
  t.equal(editDomain(shown, { ...small, graphics: { type: 'VNC' } }, mark), shown, 'a password stays when nobody speaks of it');
  t.equal(serializeXml(editDomain(shown, small, mark)), serializeXml(createDomain(small, mark, base)));
  const theirs = editDomain(golden('domain-rich'), { ...rich, graphics: { type: 'VNC', password: 'other' } }, mark);
  t.equal(serializeXml(theirs), serializeXml(editDomain(golden('domain-rich'), rich, mark)).replace('secret1', 'other'));
  for (const password of ['', 'more than 8', 'ümlaut', 'a\n'])
    t.throws(() => createDomain({ ...small, graphics: { type: 'VNC', password } }, mark, base), {
      code: 'Invalid',
      message: /^devices.graphics.password: one of \d+ characters was given; accepted: 1 to 8 printable ASCII characters/,
    });
});

t.test('a server is found where it listens', async (t) => {
  const placeOf = (server: string) => readServerPlace(parseXml(`<domain><devices>${server}</devices></domain>`, 'domain'));
  const onPort = (address: string) =>
    `<graphics type='vnc' port='5903' autoport='yes'><listen type='address' address='${address}'/></graphics>`;
  t.same(placeOf(onPort('127.0.0.1')), { kind: 'port', host: '127.0.0.1', port: 5903 });
  t.same(placeOf(onPort('0.0.0.0')), { kind: 'port', host: '127.0.0.1', port: 5903 });
  t.same(placeOf(onPort('::')), { kind: 'port', host: '::1', port: 5903 });
  t.same(placeOf("<graphics type='vnc'><listen type='socket' socket='/run/vnc.sock'/></graphics>"), {
    kind: 'socket',
    path: '/run/vnc.sock',
  });
  t.equal(placeOf("<graphics type='vnc' port='-1' autoport='yes'/>"), undefined, 'of a machine that is off');
  t.equal(placeOf("<graphics type='spice' port='5900'/>"), undefined);
});

t.test('firmware is left as it is until another is asked for', async (t) => {
  const os = (domain: XmlElement) => serializeXml(child(domain, 'os') ?? element('nothing'));
  const { firmware: _, ...silent } = small;
  t.notMatch(os(createDomain(silent, mark, base)), /firmware|loader/);
  t.match(
    os(createDomain({ ...small, firmware: 'UEFI' }, mark, base)),
    '<os firmware="efi"><type arch="x86_64" machine="pc-q35-7.2">hvm</type><firmware><feature enabled="no" name="secure-boot"/></firmware></os>',
  );
  const { firmware: __, ...quiet } = rich;
  const byHand = os(golden('domain-rich'));
  t.equal(os(editDomain(golden('domain-rich'), quiet, mark)), byHand);
  t.equal(os(editDomain(golden('domain-rich'), rich, mark)), byHand, 'a loader that was named by hand is UEFI, too');
  t.notMatch(os(editDomain(golden('domain-rich'), { ...rich, firmware: 'BIOS' }, mark)), /firmware|loader|nvram/);
});

t.test('an interface that another hand put elsewhere is brought back, and one without our name is left alone', async (t) => {
  const theirs = '<interface type="bridge"><mac address="52:54:00:0a:0a:0a"/><source bridge="br9"/><model type="virtio"/></interface>';
  const ours = theirs.replace('</interface>', '<alias name="ua-net_lan"/><virtualport type="openvswitch"/></interface>');
  const domain = parseXml(`<domain type="qemu"><devices>${theirs}${ours}</devices></domain>`, 'domain');
  t.strictSame(readShape(domain).interfaces, []);
  const [left, mended] = elements(
    child(editDomain(domain, { ...small, interfaces: [{ name: 'lan', network: 'br-lan' }] }, mark), 'devices'),
    'interface',
  );
  t.equal(left, elements(child(domain, 'devices'), 'interface')[0]);
  const back = '<interface type="network"><mac address="52:54:00:0a:0a:0a"/><source network="br-lan"/><model type="virtio"/>';
  t.ok(serializeXml(mended ?? element('nothing')).startsWith(back));
});

t.test('the hardware that the host chose is told', async (t) => {
  t.strictSame(readHardware(golden('domain-full')), {
    accelerator: 'TCG',
    architecture: 'x86_64',
    machine: 'pc-q35-7.2',
    cpu: 'Maximum',
    firmware: 'BIOS',
  });
  t.strictSame(readHardware(golden('domain-rich')), {
    accelerator: 'TCG',
    architecture: 'x86_64',
    machine: 'pc-q35-5.2',
    cpu: 'Nehalem',
    firmware: 'UEFI',
    video: 'VGA',
  });
  t.match(readHardware(createDomain(small, mark, { ...base, domainType: 'kvm', cpuMode: 'host-model' })), {
    accelerator: 'KVM',
    cpu: 'HostModel',
  });
});

t.test('the XML we send is the one that the golden files were captured with', async (t) => {
  const xml = serializeXml(createDomain(full, mark, base));
  for (const part of [
    '<domain type="qemu"><name>shop.full</name><uuid>7d4c2f1e-0000-4000-8000-000000000002</uuid>',
    '<type arch="x86_64" machine="pc-q35-7.2">hvm</type><kernel>/var/lib/virtwright/system/vmlinuz</kernel>',
    '<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>',
    '<driver name="qemu" type="qcow2"/><source file="/var/lib/virtwright/fast/shop.full-root-7d4c2f1e"/><target dev="vda" bus="virtio"/>',
    '<serial>root-7d4c2f1e</serial><alias name="ua-root"/>',
    '<target dev="vdb" bus="virtio"/><alias name="ua-data"/>',
    '<backend model="random">/dev/urandom</backend>',
  ])
    t.ok(xml.includes(part), part);
  t.notMatch(xml, /<graphics|<interface|autostart/);
});

t.test('a rich machine keeps everything that an edit does not speak of', async (t) => {
  const domain = golden('domain-rich');
  t.strictSame(
    readShape(domain).disks.map((disk) => disk.name),
    ['root', 'data'],
    'the unnamed disks are not ours',
  );
  const adopted = editDomain(domain, rich, mark);
  t.strictSame(readMark(adopted), mark);
  const [libosinfo, billing, ours] = elements(child(adopted, 'metadata'), undefined);
  t.equal(libosinfo, elements(child(domain, 'metadata'))[0]);
  t.equal(billing, elements(child(domain, 'metadata'))[1]);
  t.equal(ours?.name, 'virtwright:machine');
  for (const node of domain.children) if (!(node.kind === 'element' && node.name === 'metadata')) t.ok(adopted.children.includes(node));
  t.equal(editDomain(adopted, rich, mark), adopted);
});

t.test('each edit of a rich machine changes its own element and leaves every other as it was', async (t) => {
  const domain = withMark(golden('domain-rich'), mark);
  const before = serializeXml(domain);
  const edited = (change: Partial<MachineDefinition>) => serializeXml(editDomain(domain, { ...rich, ...change }, mark));
  const replaced = (...pairs: readonly (readonly [string | RegExp, string])[]) =>
    pairs.reduce((text, [from, to]) => text.replace(from, to), before);

  t.equal(
    edited({ memoryBytes: 2 ** 31 }),
    replaced(
      ['"KiB">4194304</memory>', '"KiB">2097152</memory>'],
      ['>4194304</currentMemory>', '>2097152</currentMemory>'],
      ['memory="4194304"', 'memory="2097152"'],
    ),
  );
  t.equal(
    edited({ cpuCount: 5 }),
    replaced(
      [' current="2">4</vcpu>', '>5</vcpu>'],
      ['<topology sockets="2" dies="1" cores="2" threads="1"/>', ''],
      ['cpus="0-3"', 'cpus="0-4"'],
    ),
  );
  t.equal(edited({ cpuCount: 3 }), replaced([' current="2"', ' current="3"']), 'within its room');
  t.equal(edited({ maxCpuCount: 4 }), before, 'which is there already');
  t.match(edited({ maxCpuCount: 8 }), '<vcpu placement="static" cpuset="0-1" current="2">8</vcpu>');
  t.match(edited({ maxMemoryBytes: 2 ** 33 }), '<memory unit="KiB">8388608</memory>');
  t.equal(edited({ cpuCount: 4 }), replaced([' current="2">4</vcpu>', '>4</vcpu>']), 'a topology that fits stays');
  const [richRoot, richData] = rich.disks;
  if (richRoot === undefined || richData === undefined) throw new Error('two disks');
  t.equal(
    edited({ disks: [{ ...richRoot, serial: 'root-2' }, richData] }),
    replaced(['<serial>root-1</serial>', '<serial>root-2</serial>']),
  );
  t.equal(edited({ disks: [richRoot, { ...richData, format: 'Qcow2' }] }), replaced([/(<disk type="block".*?type=")raw/s, '$1qcow2']));
  t.equal(edited({ rng: false }), replaced([/<rng .*?<\/rng>/s, '']));
  t.equal(edited({ guestAgent: false }), replaced([/<channel type="unix">.*?<\/channel>/s, '']));
  t.equal(edited({ disks: [richRoot] }), replaced([/<disk type="block".*?<\/disk>/s, '']));
  const moved = editDomain(
    domain,
    {
      ...rich,
      disks: [
        { ...richRoot, location: '/srv/new.qcow2' },
        { ...richData, location: '/srv/data.raw' },
      ],
    },
    mark,
  );
  const [movedRoot, movedData] = elements(child(moved, 'devices'), 'disk');
  t.equal(child(movedRoot, 'backingStore'), undefined, 'the old backing chain goes with the old source');
  for (const kept of ['iotune', 'address', 'target', 'boot'])
    t.equal(child(movedRoot, kept), child(elements(child(domain, 'devices'), 'disk')[0], kept));
  t.equal(attribute(movedData, 'type'), 'file');
  t.equal(attribute(child(movedData, 'source'), 'file'), '/srv/data.raw');
});

t.test('targets stay when disks come and go', async (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((name): MachineDisk => ({ name, location: `/v/${name}`, format: 'Raw' }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three disks');
  const targets = (domain: XmlElement) =>
    Object.fromEntries(
      elements(child(domain, 'devices'), 'disk').map((d) => [attribute(child(d, 'alias'), 'name'), attribute(child(d, 'target'), 'dev')]),
    );
  const three = createDomain({ ...small, disks: [a, b, c] }, mark, base);
  const without = editDomain(three, { ...small, disks: [a, c] }, mark);
  t.strictSame(targets(without), { 'ua-a': 'vda', 'ua-c': 'vdc' });
  t.strictSame(targets(editDomain(without, { ...small, disks: [c, b, a] }, mark)), { 'ua-a': 'vda', 'ua-c': 'vdc', 'ua-b': 'vdb' });
  const many = createDomain({ ...small, disks: Array.from({ length: 28 }, (_, i) => ({ ...a, name: `d${i}` })) }, mark, base);
  t.strictSame(Object.values(targets(many)).slice(25), ['vdz', 'vdaa', 'vdab']);
  const richer = editDomain(golden('domain-rich'), { ...rich, disks: [...rich.disks, a] }, mark);
  t.equal(targets(richer)['ua-a'], 'vdb', 'the gap that strangers left is taken');
});

t.test('a console goes with its serial port and comes with it', async (t) => {
  const off = editDomain(golden('domain-full'), { ...full, serial: false, boot: { kernel: '/k' } }, mark);
  t.strictSame(readShape(off), { ...shapeOf(full), serial: false, boot: { kernel: '/k' } });
  t.equal(child(off, 'devices', 'console'), undefined);
  t.ok(readShape(editDomain(off, full, mark)).serial);
  t.equal(
    elements(child(editDomain(golden('domain-rich'), { ...rich, serial: true }, mark), 'devices'), 'serial').length,
    2,
    'a stranger’s port stays',
  );
});

const shapes: fc.Arbitrary<MachineDefinition> = fc
  .record(
    {
      cpuCount: fc.integer({ min: 1, max: 288 }),
      memoryBytes: fc.integer({ min: 1, max: 2 ** 22 }).map((mib) => mib * 2 ** 20),
      firmware: fc.constantFrom('BIOS' as const, 'UEFI' as const),
      boot: fc.option(
        fc.record(
          { kernel: fc.constantFrom('/k', '/a b&c'), initrd: fc.constantFrom('/i', '/"'), commandLine: fc.stringMatching(/^[ -~]{1,20}$/) },
          { requiredKeys: ['kernel'], noNullPrototype: true },
        ),
        { nil: undefined },
      ),
      disks: fc.uniqueArray(
        fc.record(
          {
            name: fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/),
            location: fc.constantFrom('/v/1', '/v/2', '/v/<3>'),
            format: fc.constantFrom('Raw' as const, 'Qcow2' as const),
            bus: fc.constantFrom('VirtioBlk' as const, 'NVMe' as const),
            serial: fc.stringMatching(/^[A-Z0-9-]{1,20}$/),
          },
          { requiredKeys: ['name', 'location', 'format', 'bus'], noNullPrototype: true },
        ),
        { selector: (disk) => disk.name, maxLength: 4 },
      ),
      interfaces: fc.uniqueArray(
        fc.record(
          {
            name: fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/),
            network: fc.constantFrom('br-lan', "it's <a> & b"),
            model: fc.constantFrom('Virtio' as const, 'E1000e' as const),
            macAddress: fc.constantFrom('52:54:00:00:00:01', '02:ff:ff:ff:ff:ff'),
          },
          { requiredKeys: ['name', 'network', 'model'], noNullPrototype: true },
        ),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      serial: fc.boolean(),
      rng: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map(({ boot, ...rest }) => ({ ...small, ...rest, ...(boot === undefined ? {} : { boot }) }));

function byName(shape: MachineShape): MachineShape {
  const sorted = <T extends { readonly name: string }>(named: readonly T[]) => named.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { ...shape, disks: sorted(shape.disks), interfaces: sorted(shape.interfaces) };
}

/** On NVMe a disk without a serial has its name for one. */
const serialOf = ({ name, bus, serial = bus === 'NVMe' ? name : undefined }: MachineDisk): string | undefined => serial;

/** What an edit from `from` to `to` must read as: a serial or a MAC address that `to` does not speak of stays. */
function expected(from: MachineDefinition, to: MachineDefinition): MachineShape {
  const serials = new Map(from.disks.map((disk) => [disk.name, serialOf(disk)]));
  const disks = to.disks.map((disk) => {
    const serial = disk.serial ?? serials.get(disk.name) ?? serialOf(disk);
    return { ...disk, ...(serial === undefined ? {} : { serial }) };
  });
  const addresses = new Map(from.interfaces.map(({ name, macAddress }) => [name, macAddress]));
  const interfaces = to.interfaces.map((one) => {
    return { ...one, macAddress: one.macAddress ?? addresses.get(one.name) ?? macAddressOf(small.uuid, one.name) };
  });
  return byName({ ...shapeOf(to), disks, interfaces });
}

t.test('a machine that is made anew has the MAC addresses that it had, and no two interfaces share one', async (t) => {
  const machines = fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 5 });
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(machines, names, (uuids, interfaces) => {
      const all = uuids.flatMap((uuid) => interfaces.map((name) => macAddressOf(uuid, name)));
      t.equal(new Set(all).size, all.length);
      for (const one of all) t.match(one, /^52(:[0-9a-f]{2}){5}$/, 'of one interface, and locally administered');
    }),
    { numRuns: 50 },
  );
  t.equal(macAddressOf('AAAAAAAA-0000-4000-8000-000000000001', 'lan'), macAddressOf('aaaaaaaa-0000-4000-8000-000000000001', 'lan'));
});

t.test('any definition reads back as it is, is stable, and can be edited into any other', async (t) => {
  fc.assert(
    fc.property(shapes, shapes, (from, to) => {
      const made = reread(createDomain(from, mark, base));
      t.strictSame(byName(readShape(made)), expected(from, from));
      t.equal(editDomain(made, from, mark), made);
      const edited = reread(editDomain(made, to, mark));
      t.strictSame(byName(readShape(edited)), expected(from, to));
      t.equal(editDomain(edited, to, mark), edited);
    }),
    { numRuns: 200 },
  );
});

t.test('any record survives in the mark, which replaces only itself', async (t) => {
  const records = fc.string({ maxLength: 200 }).filter((s) => !/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(s));
  fc.assert(
    fc.property(records, (record) => {
      const domain = reread(withMark(golden('domain-rich'), { ...mark, record }));
      t.strictSame(readMark(domain), { ...mark, record });
      t.equal(withMark(domain, { ...mark, record }), domain);
      const native = mapChildren(domain, (node) =>
        node.kind === 'element' && node.name === 'metadata'
          ? golden('domain-rich').children.find((e) => e.kind === 'element' && e.name === 'metadata')
          : node,
      );
      t.strictSame(native, golden('domain-rich'));
    }),
    { numRuns: 50 },
  );
  t.equal(readMark(golden('domain-rich')), undefined);
  t.equal(
    readMark(parseXml('<domain><metadata><machine xmlns="https://virtwright.io/xmlns/libvirt/1" cluster="c"/></metadata></domain>', 'd')),
    undefined,
    'half a mark is none',
  );
  t.equal(textOf(markElement(mark)), mark.record);
  t.throws(() => withMark(element('domain'), { ...mark, record: 'ä'.repeat(2049) }), {
    code: 'Invalid',
    message: /4098 bytes; at most 4096/,
  });
});

t.test('what could not be read back as asked is refused, naming field, value and remedy', async (t) => {
  const refused = (change: Partial<MachineDefinition>, message: RegExp) =>
    t.throws(() => createDomain({ ...small, ...change }, mark, base), { name: 'DriverError', code: 'Invalid', message });
  const disk: MachineDisk = { name: 'a', location: '/v', format: 'Raw' };
  refused({ cpuCount: 0 }, /cpu\.count: 0 was given; accepted: a whole number/);
  refused({ cpuCount: 1.5 }, /cpu\.count: 1.5/);
  refused({ memoryBytes: 2 ** 20 + 1024 }, /memory\.size: 1049600 bytes was given; accepted: whole MiB/);
  refused({ memoryBytes: 0 }, /memory\.size/);
  refused({ boot: { kernel: 'vmlinuz' } }, /boot\.kernel: "vmlinuz" was given; accepted: an absolute path/);
  refused({ disks: [{ ...disk, name: 'ä' }] }, /disks\.name: "ä"/);
  refused({ disks: [{ ...disk, location: 'pool/volume' }] }, /disk "a": "pool\/volume"/);
  refused({ disks: [{ ...disk, serial: 'x'.repeat(21) }] }, /disk "a": serial/);
  refused({ disks: [disk, disk] }, /"a" twice/);
  const cells = parseXml(serializeXml(golden('domain-rich')).replace('<numa>', '<numa><cell id="1" cpus="4" memory="1"/>'), 'd');
  t.throws(() => editDomain(cells, { ...rich, memoryBytes: 2 ** 30 }, mark), { code: 'Invalid', message: /2 NUMA cells/ });
});

t.test('memory set beside the definition shows, and is set right again', async (t) => {
  const ballooned = parseXml(serializeXml(golden('domain-full')).replace('524288</currentMemory>', '262144</currentMemory>'), 'd');
  t.equal(readShape(ballooned).memoryBytes, 2 ** 28);
  t.equal(serializeXml(editDomain(ballooned, full, mark)), serializeXml(golden('domain-full')));
  const roomy = parseXml(serializeXml(golden('domain-full')).replace('524288</memory>', '1048576</memory>'), 'd');
  t.equal(editDomain(roomy, full, mark), roomy, 'room for more, made by someone else, stays');
});

t.test('what is printed is written down where it is asked to be; a log of others stays', async (t) => {
  const log = '/var/lib/virtwright/system/shop.small-7d4c2f1e.console';
  const silent = createDomain({ ...small, serial: true }, mark, base);
  const logging = editDomain(silent, { ...small, serial: true, serialLog: log }, mark);
  const text = serializeXml(logging);
  t.match(text, `<log file="${log}" append="off"/>`);
  t.equal(readShape(logging).serialLog, log);
  t.equal(editDomain(logging, { ...small, serial: true, serialLog: log }, mark), logging, 'what is there is not written again');
  t.same(readShape(editDomain(logging, { ...small, serial: true }, mark)), readShape(silent));
  const theirs = parseXml(text.replaceAll(log, '/var/log/theirs'), 'theirs');
  t.equal(readShape(theirs).serialLog, undefined);
  t.equal(editDomain(theirs, { ...small, serial: true, serialLog: log }, mark), theirs);
  t.throws(() => editDomain(silent, { ...small, serial: true, serialLog: '/a.log' }, mark), { code: 'Invalid' });
});
