import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { VirtualMachine, VirtualNetworkInstance } from '#crds/types.js';
import { until } from '#test/cluster/until.js';
import { condition } from '#test/cluster/world.js';
import { isReady, stalledWith, useLab } from './lab.js';

const lab = await useLab(t);
const { world, daemon } = lab;
await lab.furnish();
const operator = await lab.start();
t.teardown(() => operator.stop());

const example = new URL('../../../manifests/examples/libvirt/networks.yaml', import.meta.url);
const kinds = ['shop', 'backstage', 'wire', 'routed', 'open', 'office', 'tagged', 'direct', 'theirs'];
const network = (name: string, spec: object) => ({ kind: 'VirtualNetwork', metadata: { name, namespace: 'default' }, spec });
const shop = (change: object = {}) =>
  network('shop', {
    forward: { mode: 'NAT' },
    ipv4: { address: '10.20.0.1/24', dhcp: { ranges: [{ start: '10.20.0.100', end: '10.20.0.200' }] } },
    ...change,
  });
const onto = (...networks: readonly string[]) => ({ interfaces: networks.map((name) => ({ name, networkRef: { name } })) });
const instanceOf = (name: string, isSo: (seen: VirtualNetworkInstance) => boolean = isReady) =>
  world.until('VirtualNetworkInstance', `${name}.one`, isSo);
const virsh = (...args: readonly string[]) => daemon.virsh(...args);
const says = (seen: Parameters<typeof condition>[0], type: string) => condition(seen, type)?.message ?? '';

/** What the example's host has: a bridge, a device, an Open vSwitch without a kernel module, and a network of its own. */
async function equip(): Promise<void> {
  const database = join(daemon.directory, 'ovs.db');
  for (const line of [
    'ip link add br0 type bridge',
    'ip link set br0 up',
    'ip link add eth0 type veth peer name outside',
    'ip link set eth0 up',
    'ip link set outside up',
    'mkdir -p /run/openvswitch',
    `ovsdb-tool create ${database} /usr/share/openvswitch/vswitch.ovsschema`,
    `ovsdb-server ${database} --remote=punix:/run/openvswitch/db.sock --pidfile --detach --log-file=/dev/null`,
    'ovs-vsctl --no-wait init',
    'ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --log-file=/dev/null',
    'ovs-vsctl add-br ovsbr0 -- set bridge ovsbr0 datapath_type=netdev',
  ])
    await daemon.inside('sh', '-c', line);
  const theirs = join(daemon.directory, 'default.xml');
  await writeFile(theirs, `<network><name>default</name><forward mode='nat'/><ip address='192.168.122.1' prefix='24'/></network>`);
  await virsh('net-define', theirs);
  await virsh('net-start', 'default');
}

await equip();

/** As many as a machine can have interfaces. */
const machinesOn = kinds.filter((name) => name !== 'wire');

await t.test('a network of each kind is made as the example has it, and takes machines', async (t) => {
  const [host = '', ...networks] = (await readFile(example, 'utf8')).split('\n---\n');
  const apply = (text: string, ...more: readonly string[]) =>
    world.kubectl('apply', '--server-side', ...more, '-n', 'default', '-f', '-', { input: text });
  // Beside the grants that the laboratory's host has.
  const here = host.replace('name: kvm1', 'name: one').replace('qemu:///system', daemon.uri);
  await apply(here, '--field-manager=example');
  await apply(networks.join('\n---\n'));
  for (const name of kinds) await world.until('VirtualNetwork', name, isReady);
  t.match(await virsh('net-list', '--all', '--name'), /default\.shop/);
  t.match((await instanceOf('shop')).status, { nativeName: 'default.shop', bridge: /^virbr\d+$/, uuid: /-8[0-9a-f]{3}-/ });
  await world.apply(lab.machine('all', onto(...machinesOn)));
  const all = await lab.untilReady('all');
  t.equal(all.status?.interfaces?.length, machinesOn.length);
  const devices = await virsh('domiflist', 'default.all');
  for (const kind of ['network', 'bridge', 'direct']) t.match(devices, new RegExp(`${kind}|network`), kind);
  const port = /(vnet\d+)\s+\S+\s+default\.tagged/.exec(devices)?.[1] ?? 'none';
  t.equal((await daemon.inside('ovs-vsctl', 'get', 'port', port, 'tag')).trim(), '40');
  t.match(await daemon.inside('ip', 'link', 'show', 'master', 'br0'), /vnet/);
  t.match(await daemon.inside('ip', '-d', 'link', 'show', 'type', 'macvtap'), /macvtap mode bridge|macvtap +mode bridge/);
  t.match(await daemon.inside('iptables', '-t', 'nat', '-S'), /-s 10\.20\.0\.0\/24 .*MASQUERADE/);
  t.match(await daemon.inside('ip6tables', '-t', 'nat', '-S'), /-s fd00:20::\/64 .*MASQUERADE/);
  t.match(await daemon.inside('iptables', '-S'), /-d 10\.22\.0\.0\/24 -i eth0 .*ACCEPT/, 'routed by one device');
  t.notMatch(await daemon.inside('iptables', '-S'), /10\.23\.0\.0/, 'open has no rules');
  await lab.remove('all');
});

await t.test('an unchanged manifest writes nothing', async (t) => {
  const text = (await virsh('net-dumpxml', 'default.shop')) + (await virsh('net-dumpxml', '--inactive', 'default.shop'));
  await world.kubectl('annotate', 'virtualnetwork', 'shop', 'somebody=looks');
  await world.kubectl('annotate', 'virtualnetworkinstance', 'shop.one', 'somebody=looks');
  const versions = async () =>
    [await world.get('VirtualNetwork', 'shop'), await world.get('VirtualNetworkInstance', 'shop.one')].map(
      (seen) => seen?.metadata.resourceVersion,
    );
  const before = await versions();
  // Networks are looked at one after the other: once this one is there, shop was looked at.
  await world.apply(network('sentinel', { forward: { mode: 'None' } }));
  await instanceOf('sentinel');
  t.same(await versions(), before);
  t.equal((await virsh('net-dumpxml', 'default.shop')) + (await virsh('net-dumpxml', '--inactive', 'default.shop')), text);
});

const guestAddress = async (machine: VirtualMachine): Promise<string> =>
  /address eth0: ([\d.]+)\//.exec(await lab.banner(machine))?.[1] ?? 'none';

await t.test('a guest has its static address, and is reached there', async (t) => {
  const interfaces = [{ name: 'shop', networkRef: { name: 'shop' }, macAddress: '52:54:00:20:00:10' }];
  await world.apply(lab.guest('db', { words: 'vw.dhcp' }, { interfaces }));
  const db = await lab.untilReady('db');
  await lab.banner(db);
  // The guest may have it a moment before libvirt has written it down.
  await until(async () => /52:54:00:20:00:10 .* 10\.20\.0\.10\/24/.test(await virsh('net-dhcp-leases', 'default.shop')));
  t.match(await daemon.inside('busybox', 'ping', '-c', '1', '-w', '30', '10.20.0.10'), /1 packets received/);

  // By its MAC address, as the kernel makes it of what the host says of the subnet (RFC 4862).
  const answers = (address: string) =>
    daemon.inside('busybox', 'ping', '-c', '1', '-w', '2', address).then(
      () => true,
      () => false,
    );
  await lab.until('it is reached by IPv6', () => answers('fd00:20::5054:ff:fe20:10'));

  await t.test('leases and names change while it runs', async (t) => {
    const hosts = [{ macAddress: '52:54:00:20:00:10', ip: '10.20.0.11', name: 'db' }];
    const dns = { domain: 'shop.internal', records: [{ name: 'cache', ip: '10.20.0.42' }] };
    const ipv4 = { address: '10.20.0.1/24', dhcp: { ranges: [{ start: '10.20.0.50', end: '10.20.0.60' }], hosts } };
    await world.apply(shop({ mtu: 1400, ipv4, ipv6: { address: 'fd00:20::1/64' }, dns }));
    await world.until('VirtualNetwork', 'shop', (seen) => isReady(seen) && seen.status?.observedGeneration === seen.metadata.generation);
    t.match(await virsh('net-dumpxml', 'default.shop'), /10\.20\.0\.50/);
    t.match(await daemon.inside('busybox', 'nslookup', 'cache.shop.internal', '10.20.0.1'), /10\.20\.0\.42/);
    t.match(condition(await instanceOf('shop'), 'RestartRequired'), { status: 'False' });
  });

  await t.test('a daemon that dies and comes back has the network, and who is attached', async (t) => {
    await daemon.restart();
    await instanceOf('shop');
    t.match(await daemon.inside('busybox', 'ping', '-c', '1', '-w', '30', '10.20.0.10'), /1 packets received/);
  });

  await t.test('what cannot waits until nobody is attached, and says so', async (t) => {
    const ipv4 = { address: '10.20.7.1/24', dhcp: { ranges: [{ start: '10.20.7.50', end: '10.20.7.60' }] } };
    await world.apply(shop({ ipv4 }));
    const staged = await instanceOf('shop', (seen) => condition(seen, 'RestartRequired')?.status === 'True');
    t.match(says(staged, 'RestartRequired'), /spec\.mtu, spec\.ipv4\.address, spec\.ipv6\.address.*once no machine is attached; 1 is/);
    t.equal(condition(staged, 'Ready')?.status, 'True', 'it is usable meanwhile');
    t.match(await virsh('net-dumpxml', 'default.shop'), /10\.20\.0\.1/);
    t.match(await virsh('net-dumpxml', '--inactive', 'default.shop'), /10\.20\.7\.1/);
    await lab.remove('db');
    await instanceOf('shop', (seen) => isReady(seen) && condition(seen, 'RestartRequired')?.status === 'False');
    t.match(await virsh('net-dumpxml', 'default.shop'), /10\.20\.7\.1/);
    await world.apply(lab.guest('db', { words: 'vw.dhcp' }, onto('shop')));
    t.match(await guestAddress(await lab.untilReady('db')), /^10\.20\.7\.(5\d|60)$/);
  });
});

await t.test('a network stays as long as a machine is attached, and one of a stranger counts', async (t) => {
  await world.delete('VirtualNetwork', 'shop');
  await instanceOf('shop', (seen) => condition(seen, 'Ready')?.reason === 'InUse');
  await lab.remove('db');
  await world.untilGone('VirtualNetwork', 'shop');
  t.notMatch(await virsh('net-list', '--all', '--name'), /default\.shop/);

  await world.apply(network('brief', { forward: { mode: 'None' } }));
  await instanceOf('brief');
  const stranger = join(daemon.directory, 'stranger.xml');
  await writeFile(
    stranger,
    `<domain type='qemu'><name>stranger</name><memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os>
      <devices><interface type='network'><source network='default.brief'/></interface></devices></domain>`,
  );
  await virsh('create', stranger);
  await world.delete('VirtualNetwork', 'brief');
  const held = await instanceOf('brief', (seen) => condition(seen, 'Ready')?.reason === 'InUse');
  t.match(says(held, 'Ready'), /1 interfaces of machines that are none of ours/);
  t.match(await virsh('net-list', '--name'), /default\.brief/);
  await virsh('destroy', 'stranger');
  await lab.until('the network is gone', async () => (await world.get('VirtualNetwork', 'brief')) === undefined);
});

await t.test('a subnet that another has is told before anything is made', async (t) => {
  await world.apply(network('clash', { forward: { mode: 'NAT' }, ipv4: { address: '192.168.120.1/21' } }));
  const clash = await instanceOf('clash', (seen) => stalledWith(seen) !== undefined);
  t.match(
    stalledWith(clash),
    /^SubnetInUse: spec\.ipv4\.address 192\.168\.120\.1\/21: network default on one has 192\.168\.122\.1\/24; choose another/,
  );
  t.notMatch(await virsh('net-list', '--all', '--name'), /clash/);
  await virsh('net-destroy', 'default');
  await virsh('net-undefine', 'default');
  await instanceOf('clash');
  await world.delete('VirtualNetwork', 'clash');

  await daemon.inside('ip', 'addr', 'add', '10.30.0.7/24', 'dev', 'eth0');
  await world.apply(network('lanclash', { forward: { mode: 'NAT' }, ipv4: { address: '10.30.0.1/24' } }));
  const inUse = await instanceOf('lanclash', (seen) => condition(seen, 'Ready')?.reason === 'Conflict');
  t.match(says(inUse, 'Ready'), /on its interface eth0 already.*choose another subnet/);
  await world.delete('VirtualNetwork', 'lanclash');
  await world.untilGone('VirtualNetwork', 'lanclash');
});

await t.test('public addresses and what the host has need a grant', async (t) => {
  await world.apply(network('public', { forward: { mode: 'NAT' }, ipv4: { address: '8.8.8.1/24' } }));
  await world.apply(network('other', { forward: { mode: 'Bridge', bridge: 'br1' } }));
  const refused = await instanceOf('public', (seen) => stalledWith(seen) !== undefined);
  t.match(
    stalledWith(refused),
    /^NotGranted: namespace "default" may not use subnet 8\.8\.8\.1\/24 of one; choose a private one of \/16 \(IPv6: \/48\) or less, or name it in spec/,
  );
  const bridge = await instanceOf('other', (seen) => stalledWith(seen) !== undefined);
  t.match(stalledWith(bridge), /^NotGranted: namespace "default" may not use bridge br1 of one; name it in spec\.grants\[\]\.bridges/);
  t.notMatch(await virsh('net-list', '--all', '--name'), /public|other/);
});

await t.test("what a hand did is mended, and a stranger's network is left alone", async (t) => {
  // The other way round, libvirt may lose the bridge: it is started by us while it is being forgotten.
  await virsh('net-undefine', 'default.open');
  await lab.until('it is defined again', async () => /default\.open/.test(await virsh('net-list', '--persistent', '--name')));
  await virsh('net-destroy', 'default.open');
  await lab.until('it is started again', async () => /default\.open/.test(await virsh('net-list', '--name')));
  await world.apply(lab.machine('kept', onto('open')));
  const kept = await lab.untilReady('kept');
  await virsh('destroy', 'default.kept');
  await virsh('undefine', 'default.kept');
  const again = await lab.untilReady('kept', (seen) => seen.status?.run?.bootId === '2');
  t.same(again.status?.interfaces, kept.status?.interfaces, 'a machine that is made anew has its MAC addresses');

  const theirs = join(daemon.directory, 'theirs.xml');
  await writeFile(theirs, '<network><name>default.mine</name></network>');
  await virsh('net-define', theirs);
  await world.apply(network('mine', { forward: { mode: 'None' } }));
  const mine = await instanceOf('mine', (seen) => stalledWith(seen) !== undefined);
  t.match(stalledWith(mine), /^NotOurs: one has a network default\.mine that is not this one's/);
  await virsh('net-undefine', 'default.mine');
  await instanceOf('mine');
});

await t.test('a bridge that is not there is told with its name', async (t) => {
  await daemon.inside('ip', 'link', 'del', 'br0');
  await world.apply(lab.machine('lost', onto('office')));
  const lost = await world.until('VirtualMachine', 'lost', (seen) => says(seen, 'Ready').includes('no device'));
  t.match(says(lost, 'Ready'), /no device br0, which a network of this machine is on; make it there, or mend the network/);
});

await t.test('nothing went wrong in between', async (t) => {
  t.same(
    operator.troubles.filter((one) => !one.startsWith('watching') && !one.includes('the connection to host one broke; it is made again')),
    [],
  );
});
