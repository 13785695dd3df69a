import t from 'tap';
import type { Found, MachineShape, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { foundIn } from '../../xml/found.js';
import { withFoundNames } from '../../xml/found-names.js';
import { container } from './dialect.js';
import { usersIn } from './uid-map.js';

const mark: Mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };
const mount = (from: string, to: string, more = '') =>
  `<filesystem type="mount"><source dir="${from}"/><target dir="${to}"/>${more}</filesystem>`;
const root = mount('/srv/box', '/');
const map = (target: number, count = 65_536) =>
  `<idmap><uid start="0" target="${target}" count="${count}"/><gid start="0" target="${target}" count="${count}"/></idmap>`;
const theirs = (devices: string, settings = '', os = '<init>/sbin/init</init>') =>
  parseXml(
    `<domain type="lxc"><name>box</name><uuid>7d4c2f1e-0000-4000-8000-000000000001</uuid><memory unit="KiB">65536</memory><vcpu>1</vcpu>${settings}<os><type>exe</type>${os}</os><devices>${devices}<console type="pty"/></devices></domain>`,
    'domain',
  );
const found = (...words: Parameters<typeof theirs>): Found => foundIn(theirs(...words), container);

t.test('what its definition says is told whole', async (t) => {
  const card = '<interface type="network"><mac address="52:54:00:aa:bb:01"/><source network="lan"/></interface>';
  const quota = '<cputune><period>50000</period><quota>100000</quota></cputune>';
  const told = found(root + mount('/srv/data', '/data') + card, quota, '<init>/sbin/init</init><initarg>one</initarg>');
  t.match(told.shape, {
    cpuCount: 2,
    memoryBytes: 64 << 20,
    interfaces: [{ name: 'nic0', network: 'lan' }],
    container: { root: '/srv/box', init: ['/sbin/init', 'one'], mounts: [{ path: '/data', location: '/srv/data' }], privileged: true },
  });
  t.same([told.kept, told.hindrance], [[], undefined]);
});

t.test('what stays beside it is named', async (t) => {
  const card = (inner: string) => `<interface type="network"><mac address="52:54:00:aa:bb:01"/><source network="lan"/>${inner}</interface>`;
  for (const [devices, settings, os, kept] of [
    [`${root}<filesystem type="ram"><source usage="1"/><target dir="/tmp"/></filesystem>`, '', '', 'filesystem /tmp (ram)'],
    [root + card('<ip address="10.0.0.2"/><guest dev="eth7"/>'), '', '', 'ip and guest of interface nic0'],
    [
      `${root}<interface type="bridge"><mac address="52:54:00:aa:bb:01"/><source bridge="br0"/></interface>`,
      '',
      '',
      'interface 52:54:00:aa:bb:01 (br0)',
    ],
    [root, '', '', 'time of all CPUs'],
    [root, '', '', 'the host’s network'],
    [root, '<cputune><shares>512</shares></cputune>', '', 'cputune'],
    [root, '<cputune><period>100000</period><quota>150000</quota></cputune>', '', 'cputune'],
    [root, '<memtune><soft_limit unit="KiB">1</soft_limit></memtune>', '', 'memtune'],
    [root, '<features><capabilities policy="deny"/></features>', '', 'capabilities'],
    [root, map(200_000, 1_000), '', 'idmap'],
    [root, '', '<initenv name="A">b</initenv>', 'initenv'],
  ] as const)
    t.ok(found(devices, settings, `<init>/sbin/init</init>${os}`).kept.includes(kept), kept);
  t.notOk(found(root, map(0x7123_0000)).kept.includes('idmap'), 'a map of ours is no more than that it is not privileged');
  t.notOk(found(root, '<features><privnet/></features>').kept.includes('the host’s network'));
});

t.test('what cannot be said whole is a hindrance', async (t) => {
  const image = '<filesystem type="file"><source file="/srv/x.img"/><target dir="/home"/></filesystem>';
  for (const [words, because] of [
    [[''], /its root is no directory of the host/],
    [[mount('/', '/')], /its root is the host’s own/],
    [[mount('/srv/box', '/', '<readonly/>')], /its root is only to be read/],
    [[root, '', ''], /nothing says what runs first/],
    [[root + image], /filesystem "\/home" is a file/],
    [[root + mount('/srv/a', '/a') + mount('/srv/b', '/a')], /filesystem "\/a" is there twice/],
    [[root + root], /filesystem "\/" is there twice/],
    [[root + mount('/srv/../etc', '/a')], /\/srv\/..\/etc goes no straight way down/],
    [[mount('/srv/box/', '/')], /\/srv\/box\/ goes no straight way down/],
    [[root + mount('/srv/a', '/a', '<readonly/>')], /filesystem "\/a" is only to be read, .*sys_admin/],
    [[root, map(1_000, 10)], /its users may be somebody on the host/],
    [[root, '<currentMemory unit="KiB">32768</currentMemory>'], /it starts with 67108864 bytes of memory, and is said to have 33554432/],
    [[root, '<memtune><hard_limit unit="KiB">32768</hard_limit></memtune>'], /it starts with 33554432 bytes/],
  ] as const)
    t.match(found(...(words as unknown as Parameters<typeof theirs>)).hindrance, because);
  t.same(found(root + image).shape.uses, ['/srv/x.img'], 'and what it writes to is known');
  const guarded = '<features><capabilities policy="default"><sys_admin state="off"/></capabilities></features>';
  t.equal(found(root + mount('/srv/a', '/a', '<readonly/>'), guarded).hindrance, undefined);
  const limited = '<currentMemory unit="KiB">32768</currentMemory><memtune><hard_limit unit="KiB">32768</hard_limit></memtune>';
  t.equal(found(root, limited).hindrance, undefined, 'as ours are written');
});

t.test('whose users they are is told by the map', async (t) => {
  const overlapping = 0x7000_0000 - 1_000;
  for (const [target, count, users] of [
    [0x7123_0000, 65_536, 'OfNobody'],
    [0x7123_0000, 1_000, 'OfTheHost'],
    [0x7123_0001, 65_536, 'OfTheHost'],
    [overlapping, 2_000, 'OfTheHost'],
    [100_000, 65_536, 'OfOthers'],
    [65_535, 10, 'OfTheHost'],
    [0, 65_536, 'OfTheHost'],
    [0xffff_0000, 65_536, 'OfTheHost'],
  ] as const)
    t.equal(usersIn(theirs(root, map(target, count))), users, `${target} and ${count} on`);
  t.equal(usersIn(theirs(root)), 'None');
  t.equal(usersIn(theirs(root, '<idmap><uid start="0" target="100000" count="10"/></idmap>')), 'OfTheHost', 'groups, too');
});

t.test('an edit of something else leaves the time, the map and the words of others', async (t) => {
  const domain = withFoundNames(theirs(root, map(200_000, 1_000)), container.readShape);
  const shape: MachineShape = { ...container.readShape(domain), memoryBytes: 32 << 20, maxMemoryBytes: 64 << 20 };
  const edited = serializeXml(container.edit(domain, { ...shape, uuid: '7d4c2f1e-0000-4000-8000-000000000001', nativeName: 'box' }, mark));
  t.match(edited, '<hard_limit unit="KiB">32768</hard_limit>');
  t.match(edited, 'target="200000" count="1000"');
  t.notMatch(edited, /quota|privnet/);
});

t.test('one that loses the last of its interfaces does not get the host’s network', async (t) => {
  const card = '<interface type="network"><mac address="52:54:00:aa:bb:01"/><source network="lan"/></interface>';
  const domain = withFoundNames(theirs(root + card), container.readShape);
  const shape = { ...container.readShape(domain), uuid: '7d4c2f1e-0000-4000-8000-000000000001', nativeName: 'box' };
  t.notMatch(serializeXml(container.edit(domain, shape, mark)), 'privnet');
  t.match(serializeXml(container.edit(domain, { ...shape, interfaces: [] }, mark)), '<features><privnet/></features>');
});
