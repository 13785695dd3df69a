import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import type { NetworkDefinition, NetworkShape } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { readNetwork, readSubnets } from './network.js';
import { bridgeOf, createNetwork, editNetwork } from './network-edit.js';
import { networkUpdates } from './network-update.js';

const golden = (name: string): XmlElement =>
  parseXml(readFileSync(new URL(`../../../../test/golden/libvirt/${name}.xml`, import.meta.url), 'utf8'), name);
const reread = (network: XmlElement): XmlElement => parseXml(serializeXml(network), 'network');

const lan: NetworkDefinition = {
  uuid: 'aaaaaaaa-0000-4000-8000-0000000000ab',
  nativeName: 'shop.lan',
  forward: { mode: 'NAT' },
  mtu: 1400,
  ipv4: {
    address: '10.20.0.1',
    prefix: 24,
    ranges: [{ start: '10.20.0.100', end: '10.20.0.200' }],
    hosts: [{ macAddress: '52:54:00:12:34:56', ip: '10.20.0.10', name: 'db' }],
  },
  ipv6: { address: 'fd00:20::1', prefix: 64, ranges: [], hosts: [] },
  domain: 'shop.internal',
  records: [
    { name: 'db', ip: '10.20.0.10' },
    { name: 'cache', ip: '10.20.0.10' },
    { name: 'gate', ip: '10.20.0.1' },
  ],
};
const shapeOf = ({ uuid: _uuid, nativeName: _nativeName, ...shape }: NetworkDefinition): NetworkShape => shape;

t.test('what libvirt made of our own reads as it was defined, and stays the same object', async (t) => {
  for (const name of ['network-nat', 'network-nat-running']) {
    t.strictSame(readNetwork(golden(name)), shapeOf(lan), name);
    const network = golden(name);
    t.equal(editNetwork(network, lan), network, name);
  }
  t.equal(bridgeOf(golden('network-nat')), 'virbr0');
});

t.test('an edit changes what differs, and what others put there stays', async (t) => {
  const rich = golden('network-rich');
  const asked: NetworkDefinition = {
    ...lan,
    ipv6: { address: 'fd00:20::1', prefix: 64, ranges: [{ start: 'fd00:20::100', end: 'fd00:20::1ff' }], hosts: [] },
    records: lan.records.slice(0, 2),
  };
  t.equal(editNetwork(rich, asked), rich, 'nothing differs');
  const edited = editNetwork(rich, {
    ...asked,
    mtu: 9000,
    ipv4: { address: '10.20.0.1', prefix: 24, ranges: asked.ipv4?.ranges ?? [], hosts: [] },
    records: [{ name: 'db', ip: '10.20.0.11' }],
  });
  const before = serializeXml(rich);
  const expected = before
    .replace("<mtu size='1400'/>", '')
    .replace('<mtu size="1400"/>', '')
    .replace(/<host mac="52:54:00:12:34:56"[^>]*>/, '')
    .replace(/<host ip="10.20.0.10">.*?<\/host>/s, '');
  const plain = (text: string) =>
    text.replace(/\s+/g, '').replace('<mtusize="9000"/>', '').replace('<hostip="10.20.0.11"><hostname>db</hostname></host>', '');
  t.equal(plain(serializeXml(edited)), plain(expected));
  t.equal(readNetwork(edited).mtu, 9000);
});

t.test('every subnet and route of a network is told, in any of the ways to write it', async (t) => {
  t.strictSame(readSubnets(golden('network-rich')), ['10.20.0.1/24', 'fd00:20::1/64', '10.99.0.1/24', '10.50.0.0/16']);
  const by = (attributes: string) => readSubnets(parseXml(`<network><ip ${attributes}/></network>`, 'network'));
  t.strictSame(by("address='10.1.2.3'"), ['10.1.2.3/8']);
  t.strictSame(by("address='172.20.0.1'"), ['172.20.0.1/16']);
  t.strictSame(by("address='192.168.1.1'"), ['192.168.1.1/24']);
  t.strictSame(by("address='10.1.2.3' netmask='255.255.240.0'"), ['10.1.2.3/20']);
  t.strictSame(by("address='fd00::1'"), ['fd00::1/64']);
});

t.test('a way out that we have no words for is told as that, and replaced when another is asked for', async (t) => {
  for (const forward of [
    "<forward mode='vepa'><interface dev='eth0'/></forward>",
    "<forward mode='hostdev' managed='yes'><pf dev='eth0'/></forward>",
  ]) {
    const native = parseXml(`<network><name>n</name>${forward}</network>`, 'network');
    t.strictSame(readNetwork(native).forward, { mode: 'Other' });
    t.strictSame(readNetwork(editNetwork(native, lan)).forward, { mode: 'NAT' });
  }
});

t.test('IPv6 that comes to a NAT network later is masked as well, and what a hand took away stays so', async (t) => {
  const { ipv6: _, ...four } = lan;
  const isMasked = (network: XmlElement) => attribute(child(network, 'forward', 'nat'), 'ipv6');
  const first = createNetwork(four);
  t.equal(isMasked(first), undefined);
  const later = editNetwork(first, lan);
  t.equal(isMasked(later), 'yes');
  const unmasked = parseXml(serializeXml(later).replace('<nat ipv6="yes"/>', ''), 'network');
  t.equal(isMasked(editNetwork(unmasked, { ...lan, mtu: 1300 })), undefined);
});

const octet = fc.integer({ min: 2, max: 254 });
const subnet = fc
  .record({
    third: fc.integer({ min: 0, max: 255 }),
    ranges: fc.uniqueArray(octet, { maxLength: 3 }),
    hosts: fc.uniqueArray(octet, { maxLength: 3 }),
  })
  .map(({ third, ranges, hosts }) => ({
    address: `10.20.${third}.1`,
    prefix: 24,
    ranges: ranges.map((last) => ({ start: `10.20.${third}.${last}`, end: `10.20.${third}.254` })),
    hosts: hosts.map((last, at) => ({
      macAddress: `52:54:00:00:00:0${at}`,
      ip: `10.20.${third}.${last}`,
      ...(last % 2 === 0 ? { name: `h${last}` } : {}),
    })),
  }));
const forward = fc.constantFrom<NetworkShape['forward'][]>(
  { mode: 'None' },
  { mode: 'NAT' },
  { mode: 'NAT', device: 'eth0' },
  { mode: 'Route' },
  { mode: 'Open' },
);
const record = fc.record(
  { name: fc.constantFrom('a', 'b', 'c', 'd'), ip: fc.constantFrom('10.20.0.1', '10.20.0.2', 'fd00::1') },
  { noNullPrototype: true },
);
const records = fc.uniqueArray(record, { selector: ({ name }) => name, maxLength: 4 });
const own = fc
  .record({
    forward,
    mtu: fc.option(fc.integer({ min: 68, max: 65_535 })),
    ipv4: fc.option(subnet),
    domain: fc.option(fc.constantFrom('a.b', 'c')),
    records,
  })
  .map(({ forward: way, mtu, ipv4, domain, records: names }) => ({
    forward: way,
    ...(mtu === null ? {} : { mtu }),
    ...(ipv4 === null ? {} : { ipv4 }),
    ...(domain === null ? {} : { domain }),
    records: names,
  }));
const theirs = fc.constantFrom<NetworkShape[]>(
  { forward: { mode: 'Bridge', bridge: 'br0' }, records: [] },
  { forward: { mode: 'OpenVSwitch', bridge: 'ovs0' }, vlan: 40, records: [] },
  { forward: { mode: 'Direct', device: 'eth0' }, records: [] },
);
const shapes: fc.Arbitrary<NetworkShape> = fc.oneof(own, theirs);

/** A host keeps its own order. */
function inOrder(shape: NetworkShape | ReturnType<typeof readNetwork>): unknown {
  const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(Object.entries(one).sort())).sort();
  const { ipv4 } = shape;
  return { ...shape, records: sorted(shape.records), ipv4: ipv4 && { ...ipv4, ranges: sorted(ipv4.ranges), hosts: sorted(ipv4.hosts) } };
}

const identity = { uuid: lan.uuid, nativeName: lan.nativeName };

t.test('any network reads back as it is, is stable, and can be edited into any other', async (t) => {
  fc.assert(
    fc.property(shapes, shapes, (from, to) => {
      const made = reread(createNetwork({ ...identity, ...from }));
      t.strictSame(inOrder(readNetwork(made)), inOrder(from));
      t.equal(editNetwork(made, { ...identity, ...from }), made);
      const edited = reread(editNetwork(made, { ...identity, ...to }));
      t.strictSame(inOrder(readNetwork(edited)), inOrder(to));
      t.equal(editNetwork(edited, { ...identity, ...to }), edited);
    }),
    { numRuns: 200 },
  );
});

/** What libvirt does with updates: one after the other, and each must suit what is there then. */
function applied(shape: NetworkShape, updates: ReturnType<typeof networkUpdates>): NetworkShape {
  const lists = { ipDhcpRange: [...(shape.ipv4?.ranges ?? [])], ipDhcpHost: [...(shape.ipv4?.hosts ?? [])], dnsHost: [...shape.records] };
  for (const { command, section, xml } of updates) {
    const list: object[] = lists[section];
    const given =
      section === 'dnsHost'
        ? elements(xml, 'hostname').map((each) => ({
            name: each.children.map((node) => (node.kind === 'text' ? node.text : '')).join(''),
            ip: attribute(xml, 'ip'),
          }))
        : [Object.fromEntries(xml.attributes.map(({ name, value }) => [name === 'mac' ? 'macAddress' : name, value]))];
    const key = (one: object) => JSON.stringify(Object.entries(one).sort());
    for (const one of given) {
      const at = list.findIndex((each) =>
        command === 'modify'
          ? (each as { macAddress?: string }).macAddress === (one as { macAddress?: string }).macAddress
          : key(each) === key(one),
      );
      if (command === 'addLast') list.push(one);
      else if (at < 0) throw new Error(`${command} of what is not there: ${key(one)}`);
      else list.splice(at, 1, ...(command === 'modify' ? [one] : []));
    }
  }
  const { ipv4 } = shape;
  return {
    ...shape,
    records: lists.dnsHost,
    ...(ipv4 === undefined ? {} : { ipv4: { ...ipv4, ranges: lists.ipDhcpRange, hosts: lists.ipDhcpHost } }),
  };
}

t.test('updates lead from any running network to any other, as far as that can be; twice is once', async (t) => {
  fc.assert(
    fc.property(own, own, (from, to) => {
      const updates = networkUpdates(createNetwork({ ...identity, ...from }), to);
      const isSubnet = from.ipv4 !== undefined && from.ipv4.address === to.ipv4?.address;
      const expected = { ...from, records: to.records, ...(isSubnet ? { ipv4: to.ipv4 } : {}) };
      const now = applied(from, updates);
      t.strictSame(inOrder(now), inOrder(expected as NetworkShape));
      t.strictSame(networkUpdates(createNetwork({ ...identity, ...now }), to), []);
    }),
    { numRuns: 200 },
  );
});

t.test('updates name the subnet that they are for, and a changed lease is changed, not taken away', async (t) => {
  const updates = networkUpdates(golden('network-rich'), {
    ...lan,
    ipv4: { address: '10.20.0.1', prefix: 24, ranges: [], hosts: [{ macAddress: '52:54:00:12:34:56', ip: '10.20.0.12' }] },
    ipv6: { address: 'fd00:20::1', prefix: 64, ranges: [], hosts: [] },
    records: [],
  });
  t.strictSame(
    updates.map(({ command, section, parentIndex }) => [command, section, parentIndex]),
    [
      ['delete', 'ipDhcpRange', 0],
      ['delete', 'ipDhcpRange', 1],
      ['delete', 'dnsHost', -1],
      ['modify', 'ipDhcpHost', 0],
    ],
  );
});
