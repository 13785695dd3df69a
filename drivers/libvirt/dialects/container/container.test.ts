import fc from 'fast-check';
import t from 'tap';
import type { ContainerLimits, MachineDefinition, MachineShape, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, element, type XmlElement } from '#drivers/xml/tree.js';
import { namesInMetadata } from '../../xml/names-in-metadata.js';
import type { Means } from '../dialect.js';
import { container } from './dialect.js';
import { readDiskLimits } from './disk-limits.js';
import { commonFirst, firstUserBeside, firstUserOf, usersOfMap } from './uid-map.js';

const mark: Mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };
const definition: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.web',
  cpuCount: 2,
  memoryBytes: 256 << 20,
  disks: [],
  interfaces: [{ name: 'lan', network: 'net-lan', macAddress: '52:54:00:00:00:01' }],
  serial: true,
  rng: false,
  container: {
    root: '/pools/fast/root',
    init: ['/sbin/init', '--now'],
    mounts: [{ path: '/data', location: '/pools/fast/data', readOnly: true }],
  },
};
const facts = {
  host: {
    architecture: 'x86_64',
    guests: [{ osType: 'exe', architecture: 'x86_64', domainTypes: ['lxc'], emulator: '/usr/lib/libvirt/libvirt_lxc', machines: [] }],
  },
  cpuCount: 4,
  memoryBytes: 8 * 2 ** 30,
};
const means = { daemon: { fillsDirectories: true } } as unknown as Means;
const shapeOf = ({ uuid: _, nativeName: __, ...shape }: MachineDefinition): MachineShape => shape;

async function made(asked = definition): Promise<XmlElement> {
  const offer = await container.offer(facts, means, new AbortController().signal);
  if (offer === undefined) throw new Error('the host has containers');
  return offer.create(asked, mark);
}

t.test('a container has a network and users of its own', async (t) => {
  const xml = serializeXml(await made());
  for (const part of [
    '<domain type="lxc"><name>shop.web</name>',
    '<os><type arch="x86_64">exe</type><init>/sbin/init</init><initarg>--now</initarg></os>',
    '<features><privnet/><capabilities policy="default"><sys_admin state="off"/></capabilities></features>',
    '<idmap><uid start="0" target="1879048192" count="65536"/><gid start="0" target="1879048192" count="65536"/></idmap>',
    '<filesystem type="mount" accessmode="passthrough"><source dir="/pools/fast/root"/><target dir="/"/></filesystem>',
    '<source dir="/pools/fast/data"/><target dir="/data"/><readonly/></filesystem>',
    '<console type="pty"><target type="lxc" port="0"/><alias name="ua-console"/></console>',
    '<cputune><period>100000</period><quota>200000</quota></cputune>',
  ])
    t.ok(xml.includes(part), part);
  t.notMatch(xml, /<disk |<model|firmware|<graphics/);
});

t.test('it is read back to the letter, and an edit that changes nothing changes nothing', async (t) => {
  const written = serializeXml(namesInMetadata.write(await made()));
  t.notMatch(written, /emulator>\s*<alias/);
  const domain = namesInMetadata.read(parseXml(written.replaceAll(/<alias [^>]*\/>/g, ''), 'domain'));
  t.match(container.readShape(domain), shapeOf(definition));
  t.notOk('firmware' in container.readShape(domain) || 'firmware' in container.readHardware(domain));
  t.equal(container.edit(domain, definition, mark), domain);
});

t.test('limits are what is asked, and what a hand set beside them stays', async (t) => {
  const domain = await made({ ...definition, maxMemoryBytes: 512 << 20, maxCpuCount: 4 });
  t.match(serializeXml(domain), '<memtune><hard_limit unit="KiB">262144</hard_limit></memtune>');
  t.match(container.readShape(domain), { cpuCount: 2, maxCpuCount: 4, memoryBytes: 256 << 20, maxMemoryBytes: 512 << 20 });
  const grown = container.edit(domain, { ...definition, memoryBytes: 512 << 20, cpuCount: 3 }, mark);
  t.notMatch(serializeXml(grown), 'hard_limit');
  t.match(serializeXml(grown), '<quota>300000</quota>');
  const byHand = parseXml(
    serializeXml(domain)
      .replace('<quota>', '<shares>512</shares><quota>')
      .replace('</hard_limit>', '</hard_limit><soft_limit unit="KiB">1024</soft_limit>')
      .replace('<init>', '<initenv name="A">b</initenv><init>')
      .replace('<console', '<filesystem type="ram"><source usage="1" units="KiB"/><target dir="/tmp"/></filesystem><console'),
    'domain',
  );
  const edited = serializeXml(
    container.edit(byHand, { ...definition, memoryBytes: 512 << 20, cpuCount: 1, container: { root: '/other', init: ['/init'] } }, mark),
  );
  for (const part of [
    '<shares>512</shares>',
    '<soft_limit unit="KiB">1024</soft_limit>',
    '<initenv name="A">b</initenv>',
    'type="ram"',
    '<init>/init</init></os>',
    'dir="/other"',
  ])
    t.ok(edited.includes(part), part);
  t.notMatch(edited, /initarg|dir="\/data"/);
});

t.test('who is root in it cannot open what he may only read', async (t) => {
  const mounted = (readOnly: boolean): MachineDefinition => ({
    ...definition,
    container: { root: '/r', init: ['/i'], mounts: [{ path: '/m', location: '/l', ...(readOnly ? { readOnly } : {}) }] },
  });
  const domain = await made(mounted(true));
  t.match(container.readShape(domain).container?.mounts, [{ path: '/m', readOnly: true }]);
  const open = parseXml(serializeXml(domain).replace(/<capabilities.*<\/capabilities>/, ''), 'domain');
  t.same(container.readShape(open).container?.mounts, [{ path: '/m', location: '/l' }], 'where he can, it is not told to be so');
  t.match(serializeXml(container.edit(open, mounted(true), mark)), '<sys_admin state="off"/>');
  t.notMatch(serializeXml(container.edit(domain, mounted(false), mark)), 'capabilities');
  const byHand = parseXml(serializeXml(domain).replace('<readonly/>', '').replace('policy="default"', 'policy="deny"'), 'domain');
  t.equal(container.edit(byHand, mounted(false), mark), byHand, 'and a hand that forbade it stays obeyed');
});

t.test('users are those of the root’s owner, and the host’s own where that is asked', async (t) => {
  const owned = (firstUser: number): MachineDefinition => ({
    ...definition,
    container: { root: '/r', init: ['/i'], ground: { disks: [], firstUser } },
  });
  const domain = await made(owned(0x7123_0000));
  const map = (first: number) => `<uid start="0" target="${first}" count="65536"/><gid start="0" target="${first}" count="65536"/>`;
  t.match(serializeXml(domain), map(0x7123_0000));
  t.equal(container.edit(domain, owned(0x7123_0000), mark), domain);
  t.equal(container.edit(domain, { ...definition, container: { root: '/r', init: ['/i'] } }, mark), domain, 'where nobody looked it stays');
  t.match(serializeXml(container.edit(domain, owned(0x7456_0000), mark)), map(0x7456_0000));
  t.equal(container.readShape(domain).container?.privileged, undefined);
  const privileged = container.edit(domain, { ...definition, container: { root: '/r', init: ['/i'], privileged: true } }, mark);
  t.notMatch(serializeXml(privileged), 'idmap');
  t.equal(container.readShape(privileged).container?.privileged, true);
});

t.test('tenants have users of their own, which stay theirs', async (t) => {
  const firsts = Array.from({ length: 1_000 }, (_, at) => firstUserOf(`cluster/tenant-${at}`));
  for (const first of firsts) {
    t.ok(first > commonFirst && first + usersOfMap <= 0x8000_0000 && first % usersOfMap === 0, `${first}`);
    t.equal(firstUserBeside(first + 65_535), first);
  }
  t.ok(new Set(firsts).size > 850, 'and seldom the same');
  t.equal(firstUserOf('cluster/shop'), 2_008_416_256, 'for ever');
  t.same([0, 65_536, 0x6fff_ffff, 0x8000_0000].map(firstUserBeside), [undefined, undefined, undefined, undefined]);
});

t.test('limits are of each disk that its directories are on, and of no other', async (t) => {
  const on = (limits: ContainerLimits | undefined, ...disks: readonly string[]): MachineDefinition => ({
    ...definition,
    container: { root: '/r', init: ['/i'], ground: { disks }, ...(limits === undefined ? {} : { limits }) },
  });
  const domain = await made(on({ readIops: 5, writeBytes: 1_024 }, '/dev/a', '/dev/b'));
  const device = (path: string) =>
    `<device><path>${path}</path><read_iops_sec>5</read_iops_sec><write_bytes_sec>1024</write_bytes_sec></device>`;
  t.match(serializeXml(domain), `<blkiotune>${device('/dev/a')}${device('/dev/b')}</blkiotune>`);
  t.same(container.readShape(domain).container?.limits, { readIops: 5, writeBytes: 1_024 });
  t.equal(container.edit(domain, on({ writeBytes: 1_024, readIops: 5 }, '/dev/a'), mark), domain);
  t.equal(container.edit(domain, on(undefined, '/dev/a'), mark), domain, 'and stay when nobody speaks of them');
  const byHand = parseXml(
    serializeXml(domain)
      .replace('<read_iops_sec>5<', '<read_iops_sec>7<')
      .replace('<blkiotune>', '<blkiotune><weight>500</weight><device><path>/dev/c</path><weight>300</weight></device>'),
    'domain',
  );
  t.same(
    container.readShape(byHand).container?.limits,
    { readIops: 0, writeBytes: 1_024 },
    'disks that differ are like nothing that is asked for',
  );
  const limitedBy = (path: string, limit: string) => `<device><path>${path}</path><${limit}>5</${limit}></device>`;
  const unlike = `<domain><blkiotune>${limitedBy('/dev/a', 'read_iops_sec')}${limitedBy('/dev/b', 'write_iops_sec')}</blkiotune></domain>`;
  t.same(readDiskLimits(parseXml(unlike, 'domain')), { readIops: 0, writeIops: 0 }, 'also where each has another');
  const mended = container.edit(byHand, on({ readIops: 9 }, '/dev/a'), mark);
  t.same(container.readShape(mended).container?.limits, { readIops: 9 });
  const bare = serializeXml(container.edit(byHand, on({}, '/dev/a'), mark));
  t.match(bare, '<blkiotune><weight>500</weight><device><path>/dev/c</path><weight>300</weight></device></blkiotune>');
  t.notMatch(serializeXml(container.edit(domain, on({}, '/dev/a'), mark)), 'blkiotune');
});

t.test('a container of somebody else’s is told of as far as it is one of ours', async (t) => {
  const theirs = parseXml(
    "<domain type='lxc'><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>exe</type><init>/bin/sh</init></os><devices><console type='pty'/></devices></domain>",
    'domain',
  );
  t.same(container.readShape(theirs), { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false });
  t.equal(child(theirs, 'idmap'), undefined);
  t.ok(child(container.edit(theirs, definition, mark) ?? element('nothing'), 'idmap'), 'and one that is taken over gets a map');
});

t.test('what cannot be is refused by its name', async (t) => {
  const { container: asked, ...bare } = definition;
  const given = asked ?? { root: '/r', init: ['/i'] as const };
  for (const [change, message] of [
    [bare, /^container: nothing was given/],
    [{ ...definition, nativeName: 'n'.repeat(65) }, /^nativeName/],
    [{ ...definition, container: { ...given, root: '/' } }, /^container.root: "\/"/],
    [{ ...definition, container: { ...given, root: '/a/../b' } }, /^container.root/],
    [{ ...definition, container: { ...given, init: ['init'] as const } }, /^container.init/],
    [{ ...definition, container: { ...given, init: ['/init', 'a\0b'] as const } }, /^container.init/],
    [{ ...definition, container: { ...given, mounts: [{ path: '/', location: '/x' }] } }, /^container.mounts/],
    [
      {
        ...definition,
        container: {
          ...given,
          mounts: [
            { path: '/a', location: '/x' },
            { path: '/a', location: '/y' },
          ],
        },
      },
      /twice/,
    ],
  ] as const)
    t.throws(() => container.check(change), { name: 'DriverError', message });
  const offer = await container.offer(facts, means, new AbortController().signal);
  const refusals: Readonly<Record<string, Partial<MachineDefinition>>> = {
    'disks.format': { disks: [{ name: 'root', location: '/d', format: 'Raw' }] },
    'firmware.type': { firmware: 'UEFI' },
    'boot.kernel': { boot: { kernel: '/k' } },
    'interfaces.model': { interfaces: [{ name: 'lan', network: 'n', model: 'Virtio' }] },
    'devices.rng': { rng: true },
    'cpu.count': { cpuCount: 5 },
  };
  for (const [field, change] of Object.entries(refusals))
    t.throws(() => offer?.check({ ...definition, ...change }), { name: 'DriverError', message: new RegExp(`^${field}`) }, field);
});

t.test('whatever is asked is read back, from whatever was there before', async (t) => {
  const path = fc.constantFrom('/a', '/a/b', '/srv/it & <that>');
  const shapes = fc
    .record({
      cpuCount: fc.integer({ min: 1, max: 64 }),
      memory: fc.integer({ min: 1, max: 4096 }),
      serial: fc.boolean(),
      root: path,
      words: fc.array(fc.constantFrom('a', 'b c', '', "it's"), { maxLength: 3 }),
      mounts: fc.uniqueArray(fc.record({ path, location: path, readOnly: fc.boolean() }), { selector: (one) => one.path, maxLength: 3 }),
    })
    .map(({ cpuCount, memory, serial, root, words, mounts }): MachineDefinition => {
      const shaped = mounts.map(({ readOnly, ...rest }) => ({ ...rest, ...(readOnly ? { readOnly: true as const } : {}) }));
      const inside = { root, init: ['/i', ...words] as [string, ...string[]], ...(shaped.length === 0 ? {} : { mounts: shaped }) };
      return { ...definition, cpuCount, memoryBytes: memory * 2 ** 20, serial, container: inside };
    });
  await fc.assert(
    fc.asyncProperty(shapes, shapes, async (first, second) => {
      const edited = container.edit(await made(first), second, mark);
      const again = parseXml(serializeXml(edited), 'domain');
      const { container: _inside, ...rest } = shapeOf(second);
      t.match(container.readShape(again), rest);
      const mounts = (shape: MachineShape) =>
        JSON.stringify([...(shape.container?.mounts ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1)));
      t.equal(mounts(container.readShape(again)), mounts(second));
      t.equal(container.edit(again, second, mark), again);
    }),
    { numRuns: 100 },
  );
});
