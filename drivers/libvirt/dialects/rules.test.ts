import fc from 'fast-check';
import t from 'tap';
import type { DiskBus, MachineDefinition, MachineDisk, Mark } from '#drivers/driver.js';
import { mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { offers } from '#test/golden/dialects/offers.js';
import { readMark } from '../xml/metadata.js';
import type { Dialect, MachineOffer } from './dialect.js';

/** What libvirt's driver would refuse, or read otherwise; true is well. Each is a rule of its sources. */
type Rule = (domain: XmlElement) => boolean;

const devices = (domain: XmlElement, name?: string): readonly XmlElement[] => elements(child(domain, 'devices'), name);
const bus = (disk: XmlElement): string => attribute(child(disk, 'target'), 'bus') ?? '';
const target = (disk: XmlElement): string => attribute(child(disk, 'target'), 'dev') ?? '';
const only =
  (...names: readonly string[]): Rule =>
  (domain) =>
    devices(domain).every((each) => names.includes(each.name));
const allDisks =
  (holds: (disk: XmlElement) => boolean): Rule =>
  (domain) =>
    devices(domain, 'disk').every(holds);

const everyTargetOnce: Rule = (domain) => new Set(devices(domain, 'disk').map(target)).size === devices(domain, 'disk').length;

const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  bhyve: {
    'bhyve_command.c: disks are files': allDisks((disk) => attribute(disk, 'type') === 'file'),
    'bhyve_command.c: a drive has a disc in it': allDisks((disk) => child(disk, 'source') !== undefined),
    'bhyve_command.c: disks are on virtio or SATA, drives on SATA': allDisks(
      (disk) => bus(disk) === 'sata' || (bus(disk) === 'virtio' && attribute(disk, 'device') === 'disk'),
    ),
    'bhyve_command.c: cards are virtio or e1000': (domain) =>
      devices(domain, 'interface').every((card) => ['virtio', 'e1000'].includes(attribute(child(card, 'model'), 'type') ?? '')),
    'bhyve_domain.c: serial ports are nmdm or tcp, at most four': (domain) =>
      devices(domain, 'serial').length <= 4 && devices(domain, 'serial').every((port) => attribute(port, 'type') === 'nmdm'),
    'bhyve_command.c: a screen needs a loader, a gop and no comma in its password': (domain) =>
      devices(domain, 'graphics').every(
        (screen) =>
          child(domain, 'os', 'loader') !== undefined &&
          devices(domain, 'video').every((video) => attribute(child(video, 'model'), 'type') === 'gop') &&
          !(attribute(screen, 'passwd') ?? '').includes(','),
      ),
    'bhyve_domain.c: every target once': everyTargetOnce,
  },
  'cloud-hypervisor': {
    'ch_domain.c: devices that it knows': only('disk', 'interface', 'console', 'serial', 'controller', 'emulator'),
    'ch_domain.c: one console or one serial port, of a pty': (domain) =>
      devices(domain, 'console').length + devices(domain, 'serial').length <= 1 &&
      devices(domain, 'console').every((console) => attribute(console, 'type') === 'pty'),
    'ch_monitor.c: a kernel': (domain) => textOf(child(domain, 'os', 'kernel')) !== undefined,
    'ch_monitor.c: disks are files on virtio': allDisks((disk) => attribute(disk, 'type') === 'file' && bus(disk) === 'virtio'),
    'every target once': everyTargetOnce,
  },
};

const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: 'u1' }, record: '{"note":"a < b & c"}' };
const uuid = '7d4c2f1e-0000-4000-8000-000000000001';

/** What a host takes, for the most part: without these hardly anything would be taken. */
const words = {
  bhyve: { format: 'Raw', buses: ['VirtioBlk', 'SATA'], disks: 4, kernel: false },
  'cloud-hypervisor': { format: 'Raw', buses: ['VirtioBlk'], disks: 0, kernel: true },
} as const;

/** Seldom there. */
const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 6 }, { arbitrary: value, weight: 1 });

const diskOf = ({ format, buses }: (typeof words)[keyof typeof words]) =>
  fc.record({
    name: fc.constantFrom('root', 'data', 'logs', 'more'),
    format: fc.oneof({ arbitrary: fc.constant(format), weight: 30 }, fc.constantFrom('Raw' as const, 'Qcow2' as const)),
    bus: fc.option(fc.oneof({ arbitrary: fc.constantFrom<DiskBus>(...buses), weight: 30 }, fc.constant<DiskBus>('NVMe')), {
      nil: undefined,
    }),
    serial: seldom(fc.constantFrom('s1', 's2')),
  });

const definitionsFor = (of: (typeof words)[keyof typeof words]): fc.Arbitrary<MachineDefinition> =>
  fc
    .record({
      cpuCount: fc.integer({ min: 1, max: 4 }),
      disks: fc.uniqueArray(diskOf(of), { selector: ({ name }) => name, maxLength: of.disks }),
      interfaces: fc.subarray(['lan', 'san']),
      serial: fc.boolean(),
      firmware: seldom(fc.constantFrom('UEFI', 'BIOS')),
      graphics: seldom(fc.constantFrom({ type: 'VNC', password: 'secret' } as const, { type: 'VNC', password: 'a,b' } as const)),
      boot: of.kernel ? fc.constant({ kernel: '/pool/kernel' }) : seldom(fc.constant({ kernel: '/pool/kernel' })),
      seed: seldom(
        fc.constantFrom({ kind: 'CloudInit', location: '/pool/seed' } as const, { kind: 'Sysprep', location: '/pool/s' } as const),
      ),
    })
    .map((some) => {
      const disks = some.disks.map((disk): MachineDisk => present({ ...disk, location: `/pool/${disk.name}` }) as MachineDisk);
      const interfaces = some.interfaces.map((name) => ({ name, network: name }));
      return present({ ...some, uuid, nativeName: 'shop.db', memoryBytes: 2 ** 28, disks, interfaces, rng: false }) as MachineDefinition;
    });

const present = (some: object): object => Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined));

/** What a driver gives back that keeps neither aliases nor metadata, where its dialect says so. */
const givenBack = (domain: XmlElement): XmlElement =>
  parseXml(
    serializeXml(
      withChild(domain, element('devices'), (all) =>
        mapChildren(all, (device) => (device.kind === 'element' ? withoutChildren(device, (each) => each.name === 'alias') : device)),
      ),
    ),
    'given back',
  );

const isTaken = (dialect: Dialect, offer: MachineOffer, definition: MachineDefinition): boolean => {
  try {
    dialect.check(definition);
    offer.check(definition);
    return true;
  } catch {
    return false;
  }
};

for (const name of ['bhyve', 'cloud-hypervisor'] as const)
  t.test(`${name}: whatever is taken keeps to the driver's rules, is read back, and is not written again`, async (t) => {
    const { dialect, offer } = offers[name];
    const definitions = definitionsFor(words[name]);
    const mustHold = (domain: XmlElement) => {
      for (const [rule, holds] of Object.entries(rules[name] ?? {}))
        if (!holds(domain)) throw new Error(`${rule}: ${serializeXml(domain)}`);
    };
    let taken = 0;
    fc.assert(
      fc.property(definitions, definitions, (first, second) => {
        if (!isTaken(dialect, offer, first)) return;
        taken++;
        const written = dialect.names.write(offer.create(first, mark));
        mustHold(written);
        const read = dialect.names.read(givenBack(written));
        const { uuid: _, nativeName: __, ...shape } = first;
        t.match(dialect.readShape(read), { ...shape, disks: shape.disks, interfaces: shape.interfaces });
        t.strictSame(readMark(read), mark);
        t.equal(dialect.edit(read, first, mark), read);
        if (!isTaken(dialect, offer, second) || (second.firmware ?? first.firmware) !== first.firmware) return;
        mustHold(dialect.names.write(dialect.edit(read, second, mark)));
      }),
      { numRuns: 400 },
    );
    t.ok(taken > 20, `${taken} were taken`);
  });
