import { readFileSync } from 'node:fs';
import t from 'tap';
import type { PoolId } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { bestMachine, readCapabilities, readDomainCapabilities } from './capabilities.js';
import { createPool, readPool } from './pool.js';
import { sizeOf } from './units.js';
import { createVolume, readVolume } from './volume.js';

const golden = (name: string) => readFileSync(`test/golden/libvirt/${name}.xml`, 'utf8');
const pool = '7b1f4d0e-8f5c-4a57-9d4b-0c52a3e1b002' as PoolId;

t.test('a host tells its architecture, its guests, and what stands behind an alias', async (t) => {
  const { architecture, guests } = readCapabilities(golden('capabilities'));
  t.equal(architecture, 'x86_64');
  const native = guests.find((guest) => guest.architecture === architecture);
  t.match(native, { osType: 'hvm', domainTypes: ['qemu', 'kvm'], emulator: '/usr/bin/qemu-system-x86_64' });
  t.strictSame(native && bestMachine(native), { name: 'q35', canonical: 'pc-q35-7.2', maxCpus: 288 });
  t.equal(new Set(native?.machines.map((machine) => machine.name)).size, native?.machines.length, 'every machine type once');
  t.ok(guests.some((guest) => guest.architecture === 'i686'));
});

t.test('an emulator tells how far it goes', async (t) => {
  const tcg = readDomainCapabilities(golden('domain-capabilities-qemu'));
  t.match(tcg, {
    domainType: 'qemu',
    machine: 'pc-q35-7.2',
    architecture: 'x86_64',
    maxVcpus: 288,
    emulator: '/usr/bin/qemu-system-x86_64',
  });
  t.strictSame(tcg.cpuModes, ['maximum', 'host-model', 'custom'], 'host-passthrough is known but not supported');
  t.ok(tcg.diskBuses.includes('virtio'));
  t.strictSame(tcg.rngBackends, ['random', 'egd', 'builtin']);
  t.ok(readDomainCapabilities(golden('domain-capabilities-kvm')).cpuModes.includes('host-passthrough'));
  t.match(readDomainCapabilities('<domainCapabilities/>'), { maxVcpus: undefined, cpuModes: [], diskBuses: [] });
});

t.test('a pool tells its path and its room', async (t) => {
  t.strictSame(readPool(golden('pool-dir'), true), {
    id: pool,
    uuid: pool,
    nativeName: 'fast',
    active: true,
    path: '/var/lib/virtwright/fast',
    source: { kind: 'directory', path: '/var/lib/virtwright/fast' },
    formats: ['Qcow2', 'Raw'],
    can: ['create', 'delete', 'grow', 'stream'],
    capacityBytes: 270553174016,
    allocationBytes: 18287464448,
    availableBytes: 252265709568,
  });
  const made = serializeXml(createPool({ uuid: pool, nativeName: 'fast', source: { kind: 'directory', path: '/a & b' } }));
  t.equal(made, `<pool type="dir"><name>fast</name><uuid>${pool}</uuid><target><path>/a &amp; b</path></target></pool>`);
  t.match(readPool(made, false), { nativeName: 'fast', path: '/a & b', active: false, capacityBytes: 0 });
  t.throws(() => readPool('<pool><name>x</name></pool>', false), { code: 'Invalid' });
});

t.test('a volume tells its place, format and size', async (t) => {
  const read = (xml: string) => readVolume(parseXml(xml, 'volume XML'), pool);
  t.strictSame(read(golden('volume-qcow2')), {
    id: { pool, nativeName: 'shop.db-root-12345678' },
    location: '/var/lib/virtwright/fast/shop.db-root-12345678',
    format: 'Qcow2',
    sizeBytes: 209715200,
    allocationBytes: 200704,
  });
  const made = (sizeBytes: number) => serializeXml(createVolume({ pool, nativeName: 'v', format: 'Qcow2', sizeBytes }));
  t.match(made(4096), /<capacity unit="bytes">4096<\/capacity><allocation unit="bytes">0<\/allocation><target><format type="qcow2"\/>/);
  t.match(made(0), /<format type="raw"\/>/, 'nothing is written before the content comes');
  const iso = golden('volume-qcow2').replace("type='qcow2'", "type='iso'");
  t.equal(read(iso).format, undefined);
  t.throws(() => read('<volume><name>v</name></volume>'), { code: 'Invalid' });
});

t.test('sizes are read in whatever unit libvirt writes them', async (t) => {
  const size = (unit: string) => sizeOf(parseXml(`<memory ${unit}>3</memory>`, 'size'), 'KiB');
  const units = { '': 3072, b: 3, bytes: 3, KB: 3000, k: 3072, KiB: 3072, MB: 3e6, M: 3 * 2 ** 20, GiB: 3 * 2 ** 30, TB: 3e12 };
  for (const [unit, bytes] of Object.entries(units)) t.equal(size(unit === '' ? '' : `unit='${unit}'`), bytes, unit);
  t.throws(() => size("unit='furlong'"), { code: 'Invalid', message: /furlong/ });
  t.throws(() => sizeOf(parseXml('<memory>many</memory>', 'size'), 'KiB'), { code: 'Invalid', message: /"many" KiB is not a size/ });
  t.equal(sizeOf(undefined, 'bytes'), undefined);
});
