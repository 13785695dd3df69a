import fc from 'fast-check';
import t from 'tap';
import { allowed, classify } from './addresses.js';

t.test('every special range has its name', async (t) => {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    Public: ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.32.0.0', '223.255.255.255', '2606:4700::1111', '2a00:1450::1'],
    Unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
    Loopback: ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    LinkLocal: ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', '64:ff9b::169.254.169.254', '2002:a9fe:a9fe::1'],
    Private: ['10.0.0.1', '172.16.0.0', '172.31.255.255', '192.168.1.1', 'fec0::1', '64:ff9b:1::10.0.0.1'],
    UniqueLocal: ['fc00::1', 'fd12:3456::1'],
    CarrierGrade: ['100.64.0.0', '100.127.255.255'],
    Multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
    Broadcast: ['255.255.255.255'],
    Documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    Benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
    Tunnel: ['192.88.99.1', '2001::1'],
    Reserved: ['192.0.0.1', '240.0.0.1', '100::1', '4000::1', '2001:10::1', '5f00::1', '64:ff9b:2::1'],
  };
  for (const [kind, addresses] of Object.entries(kinds)) for (const address of addresses) t.equal(classify(address), kind, address);
});

t.test('only what is public is allowed without a grant', async (t) => {
  for (const address of ['8.8.8.8', '2606:4700::1111', '64:ff9b::8.8.8.8', '::ffff:8.8.8.8', '2002:808:808::1'])
    t.ok(allowed(address, []), address);
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '64:ff9b::10.0.0.1', '::ffff:10.0.0.1', 'fd00::1', '4000::1'])
    t.notOk(allowed(address, []), address);
});

t.test('what is no address is never allowed', async (t) => {
  for (const text of ['', 'localhost', '127.1', '0x7f000001', '2130706433', '0177.0.0.1', '[::1]', '1.1.1.1/8', ' 1.1.1.1'])
    t.strictSame([classify(text), allowed(text, ['0.0.0.0/0', '::/0'])], [undefined, false], text);
});

t.test('a grant opens its own range and nothing else', async (t) => {
  t.ok(allowed('10.1.2.3', ['10.1.0.0/16']));
  t.notOk(allowed('10.2.2.3', ['10.1.0.0/16']));
  t.ok(allowed('fd00::5', ['192.168.0.0/16', 'fd00::/8']));
  t.ok(allowed('fe80::1%eth0', ['fe80::/10']));
  t.ok(allowed('::ffff:10.1.2.3', ['10.1.0.0/16']), 'an embedded address is the address');
  t.notOk(allowed('::ffff:127.0.0.1', ['::/0']), 'an embedded address is not of the other family');
  t.notOk(allowed('127.0.0.1', ['::/0']));
  t.notOk(allowed('::1', ['0.0.0.0/0', '127.0.0.0/8']));
});

t.test('a grant that is no CIDR is refused by name', async (t) => {
  for (const cidr of ['10.0.0.1', '10.0.0.0/33', 'fd00::/129', 'example.org/8', '10.0.0.0/-1', '10.0.0.0/8 ', '', '/8', 'fe80::%lo/10'])
    t.throws(() => allowed('8.8.8.8', [cidr]), { code: 'InvalidGrant', verdict: 'stall' }, cidr);
  t.throws(() => allowed('8.8.8.8', ['10.0.0.1']), /"10.0.0.1" are no CIDR; such as "10.1.0.0\/16"/);
});

t.test('an IPv4 address is the same in every disguise', async (t) => {
  const same = (address: string): boolean => {
    const bytes = address.split('.').map(Number);
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`;
    const disguises = [
      `::ffff:${address}`,
      `::ffff:${groups}`,
      `0:0:0:0:0:ffff:${groups}`,
      `64:ff9b::${groups}`,
      `2002:${groups}::1`,
      `::FFFF:${address}%1`,
    ];
    return disguises.every((disguise) => classify(disguise) === classify(address));
  };
  fc.assert(fc.property(fc.ipV4(), same), { numRuns: 2000 });
  t.pass();
});

t.test('any IPv6 spelling is understood', async (t) => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => classify(address) !== undefined),
    { numRuns: 5000 },
  );
  t.pass();
});
