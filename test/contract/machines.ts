import type { Test } from 'tap';
import type {
  Firmware,
  InterfaceModel,
  Machine,
  MachineDefinition,
  MachineInterface,
  MachineShape,
  SeedKind,
  VolumeFormat,
} from '#drivers/driver.js';
import { acceptedOrInvalid, refused, type Stage, soon } from './stage.js';

/** What was asked, as it must be read back; choices left to the host are left out. */
const asShape = ({ uuid: _uuid, nativeName: _nativeName, ...shape }: MachineDefinition): MachineShape => shape;

const hostile = `/images/it's <a> & "b" ]]> ü.img`;

export async function machinesContract(t: Test, stage: Stage): Promise<void> {
  await definingContract(t, stage);
  await editingContract(t, stage);
  await namingContract(t, stage);
  await readingContract(t, stage);
}

/** What only some hosts know, each by the capability that would accept it. */
const foreign = ({ memoryBytes }: MachineDefinition): readonly (readonly [field: string, change: Partial<MachineDefinition>])[] => [
  ['cpu.maxCount', { maxCpuCount: 4 }],
  ['cpu.shares', { cpuShares: 200 }],
  ['memory.maxSize', { maxMemoryBytes: 2 * memoryBytes }],
  ['memory.minSize', { minMemoryBytes: memoryBytes / 2 }],
  ['hyperv.memoryBufferPercent', { hyperv: { memoryBufferPercent: 50 } }],
  ['hyperv.comPorts', { hyperv: { comPorts: ['COM1'] } }],
  ['disks.cdrom', { cdroms: [{ name: 'drive' }] }],
  ['devices.rng', { rng: true }],
  ['devices.guestAgent', { guestAgent: true }],
  ['devices.graphics.type', { graphics: { type: 'VNC' } }],
  ['vsphere.guestId', { vsphere: { guestId: 'debian12_64Guest' } }],
  ['container', { container: { root: '/directories/root', init: ['/init'] } }],
  ['xen.mode', { xen: { mode: 'PV' } }],
];

async function definingContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  await t.test('a defined machine is off, never ran, and is as it was asked for', async (t) => {
    const { id, definition, mark } = await stage.define();
    const { uuid, nativeName } = definition;
    const machine = await stage.look(id);
    t.match(machine, { id, uuid, nativeName, mark, configured: asShape(definition), power: { state: 'Off', reason: 'Unknown' } });
    t.equal(machine.live, undefined, 'and has nothing live');
  });

  await t.test(
    'a host that has no disks for machines refuses them by name',
    { skip: stage.can('haveDisks') && 'it has some' },
    async (t) => {
      const asked = stage.definition({ disks: [{ name: 'root', location: '/images/root.img', format: 'Raw' }] });
      await refused(t, driver.machines.define(asked, stage.mark(), soon()), 'Unsupported');
      await t.rejects(driver.machines.define(asked, stage.mark(), soon()), { message: /disks/ });
      t.notOk(await stage.isListed(asked.uuid));
    },
  );

  const noDisks = { skip: stage.unless('haveDisks') };
  await t.test('disks, kernel and devices are read back to the letter, with the buses the host chose', noDisks, async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const knows = (field: string) => capabilities.some((one) => one.field === field);
    const disks = [
      await stage.disk('root', hostile, 'Qcow2'),
      { ...(await stage.disk('data', '/images/data.img', 'Raw')), ...(knows('disks.serial') && { serial: 'abc123' }) },
    ];
    const boot = knows('boot.kernel') && { boot: { kernel: '/images/k&r', initrd: '/images/initrd', commandLine: `a="b" c='<d>' & e` } };
    const devices = { serial: knows('devices.serial'), rng: knows('devices.rng') };
    const { id, definition } = await stage.define(stage.definition({ disks, ...boot, ...devices }));
    const { configured } = await stage.look(id);
    t.match(configured, asShape(definition));
    t.ok(configured?.disks.every(({ bus }) => bus !== undefined));
  });

  await t.test('words that a host does not know are refused by their name, and the others are kept', noDisks, async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const of = (field: string) => capabilities.find((one) => one.field === field);
    const asks = async (known: boolean, change: Partial<MachineDefinition>, word: RegExp) => {
      const definition = stage.definition(change);
      if (known) return t.match((await stage.look((await stage.define(definition)).id)).configured, asShape(definition));
      await refused(t, driver.machines.define(definition, stage.mark(), soon()), 'Invalid', 'Unsupported');
      return t.rejects(driver.machines.define(definition, stage.mark(), soon()), { message: word });
    };
    const format = (of('disks.format')?.values?.[0] ?? 'Raw') as VolumeFormat;
    const root = { ...(await stage.disk('root', '/images/root.img', format)), format };
    for (const bus of ['VirtioBlk', 'VirtioScsi', 'SATA', 'NVMe', 'Pvscsi', 'LsiLogic', 'IDE', 'SCSI', 'XenBlk'] as const)
      await asks(of('disks.bus')?.values?.includes(bus) === true, { disks: [{ ...root, bus }] }, /bus/);
    for (const each of ['Raw', 'Qcow2', 'Vmdk', 'Vhdx', 'Vhd'] as const) {
      const disk = { ...(await stage.disk('root', '/images/root.img', each)), format: each };
      await asks(of('disks.format')?.values?.includes(each) === true, { disks: [disk] }, /format/);
    }
    for (const cache of ['None', 'WriteBack', 'WriteThrough', 'DirectSync', 'Unsafe'] as const)
      await asks(of('disks.cache')?.values?.includes(cache) === true, { disks: [{ ...root, cache }] }, /cache/);
    for (const io of ['Native', 'Threads', 'IoUring'] as const)
      await asks(
        of('disks.io')?.values?.includes(io) === true,
        { disks: [{ ...root, io, ...(of('disks.cache') && { cache: 'None' }) }] },
        /io/,
      );
    for (const discard of ['Ignore', 'Unmap'] as const)
      await asks(of('disks.discard')?.values?.includes(discard) === true, { disks: [{ ...root, discard }] }, /discard/);
    const limits = { totalIops: 100, readBytes: 1 << 20, writeBytes: 2 << 20 };
    await asks(of('disks.limits') !== undefined, { disks: [{ ...root, limits }] }, /limits/);
    await asks(of('disks.cdrom') !== undefined, { cdroms: [{ name: 'tools' }] }, /cdrom/);
    await asks(of('boot.order') !== undefined, { disks: [root], bootOrder: [{ kind: 'disk', name: 'root' }] }, /boot/);
    await asks(of('interfaces.mtu') !== undefined, { interfaces: [{ name: 'lan', network: 'net-lan', mtu: 1400 }] }, /mtu/);
    await asks(of('interfaces.vlan') !== undefined, { interfaces: [{ name: 'lan', network: 'net-lan', vlan: 40 }] }, /vlan/);
    const down = { interfaces: [{ name: 'lan', network: 'net-lan', linkState: 'Down' as const }] };
    await asks(of('interfaces.linkState') !== undefined, down, /linkState/);
    await asks(of('cpu.maxCount') !== undefined, { maxCpuCount: 4 }, /maxCount/);
    await asks(of('memory.maxSize') !== undefined, { maxMemoryBytes: stage.definition().memoryBytes + (16 << 20) }, /maxSize/);
    const least = { minMemoryBytes: stage.definition().memoryBytes / 2 };
    await asks(of('memory.minSize') !== undefined, least, /minSize/);
    const buffers = of('hyperv.memoryBufferPercent') !== undefined;
    await asks(buffers, { ...(buffers ? least : {}), hyperv: { memoryBufferPercent: 50 } }, /hyperv/);
    await asks(of('hyperv.comPorts') !== undefined, { hyperv: { comPorts: ['COM2'] } }, /hyperv\.comPorts/);
    await asks(of('vsphere.guestId') !== undefined, { vsphere: { guestId: 'debian12_64Guest' } }, /vsphere/);
    for (const mode of ['PV', 'PVH', 'HVM'] as const) {
      const known = of('xen.mode')?.values?.includes(mode) === true;
      await asks(known, { xen: { mode }, ...(known && { boot: { kernel: '/images/kernel' } }) }, /xen/);
    }
  });

  await t.test('a COM port ends in a pipe of its own for as long as it is asked for', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    if (!capabilities.some(({ field }) => field === 'hyperv.comPorts')) {
      t.pass('COM ports', { skip: 'this host has none' });
      return;
    }
    const { id, definition, mark } = await stage.define(stage.definition({ hyperv: { comPorts: ['COM1', 'COM2'] } }));
    t.same((await stage.look(id)).configured?.hyperv, { comPorts: ['COM1', 'COM2'] });
    await driver.machines.define({ ...definition, hyperv: { comPorts: ['COM2'] } }, mark, soon());
    t.same((await stage.look(id)).configured?.hyperv, { comPorts: ['COM2'] });
    const { hyperv: _, ...without } = definition;
    await driver.machines.define(without, mark, soon());
    t.same((await stage.look(id)).configured?.hyperv, undefined);
  });

  await t.test('a container is read back, and refused by its name on a host without', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const asked = stage.definition({
      container: {
        root: '/directories/root',
        init: ['/sbin/init', 'a  b', `it's <a> & "b"`],
        mounts: [
          { path: '/var/lib/data', location: '/directories/data' },
          { path: '/etc/given', location: '/directories/given & more', readOnly: true },
        ],
      },
    });
    const ofContainer = capabilities.find(({ field }) => field === 'container');
    if (ofContainer === undefined) {
      await refused(t, driver.machines.define(asked, stage.mark(), soon()), 'Unsupported');
      await t.rejects(driver.machines.define(asked, stage.mark(), soon()), { message: /container/ });
      return;
    }
    const { id, definition, mark } = await stage.define(asked);
    t.match((await stage.look(id)).configured, asShape(definition));
    const [data] = asked.container?.mounts ?? [];
    const container = { root: '/directories/other', init: ['/init'], ...(data === undefined ? {} : { mounts: [data] }) } as const;
    await driver.machines.define({ ...definition, container }, mark, soon());
    t.same((await stage.look(id)).configured?.container, container);
    const privileged = { ...container, privileged: true } as const;
    if (capabilities.some(({ field }) => field === 'container.privileged')) {
      await driver.machines.define({ ...definition, container: privileged }, mark, soon());
      t.same((await stage.look(id)).configured?.container, privileged);
      await driver.machines.define({ ...definition, container }, mark, soon());
      t.same((await stage.look(id)).configured?.container, container, 'and no longer');
    }
    const { container: _, ...bare } = definition;
    if (ofContainer.required) await refused(t, driver.machines.define(bare, mark, soon()), 'Unsupported', 'Invalid');
  });

  await t.test('what is not spoken of any more stays, and what is said otherwise changes', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const knows = (field: string) => capabilities.some((one) => one.field === field);
    if (!['disks.limits', 'disks.cdrom', 'boot.order', 'interfaces.linkState'].every(knows)) {
      t.pass('the finer points of hardware', { skip: 'this host knows none' });
      return;
    }
    const root = {
      ...(await stage.disk('root', '/images/root.img', 'Raw')),
      cache: 'None',
      discard: 'Unmap',
      limits: { readIops: 9 },
    } as const;
    const lan = { name: 'lan', network: 'net-lan', mtu: 1400, linkState: 'Down' } as const;
    const cdroms = [{ name: 'tools', location: '/images/tools.iso' }];
    const bootOrder = [
      { kind: 'disk', name: 'tools' },
      { kind: 'interface', name: 'lan' },
      { kind: 'disk', name: 'root' },
    ] as const;
    const { id, definition, mark } = await stage.define(stage.definition({ disks: [root], interfaces: [lan], cdroms, bootOrder }));
    const before = await stage.look(id);
    t.match(before.configured, asShape(definition));
    t.ok(before.configured?.cdroms?.every(({ bus }) => bus !== undefined));
    const { bootOrder: _order, ...orderless } = definition;
    const { cache: _cache, discard: _discard, limits: _limits, ...plain } = root;
    const { mtu: _mtu, linkState: _state, ...wire } = lan;
    await driver.machines.define({ ...orderless, disks: [plain], interfaces: [wire] }, mark, soon());
    t.same(await stage.look(id), before);
    const other = {
      ...definition,
      disks: [{ ...root, cache: 'WriteBack' as const, discard: 'Ignore' as const, limits: {} }],
      interfaces: [{ ...lan, mtu: 1280, linkState: 'Up' as const }],
      cdroms: [{ name: 'tools' }],
      bootOrder: bootOrder.toReversed(),
    };
    await driver.machines.define(other, mark, soon());
    const { configured } = await stage.look(id);
    t.match(configured, { disks: [{ cache: 'WriteBack', discard: 'Ignore' }], interfaces: [{ mtu: 1280 }], bootOrder: other.bootOrder });
    t.same(Object.keys(configured?.disks[0]?.limits ?? {}), []);
    t.not(configured?.interfaces[0]?.linkState, 'Down');
    t.same([configured?.cdroms?.length, configured?.cdroms?.[0]?.location], [1, undefined], 'an empty tray');
    await driver.machines.define({ ...orderless, disks: [plain], interfaces: [wire], cdroms: [] }, mark, soon());
    t.same((await stage.look(id)).configured?.cdroms ?? [], []);
  });

  await t.test('a seed is read back, changed and taken away again', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    for (const [kind, field] of Object.entries({ CloudInit: 'cloudInit', Ignition: 'ignition', Sysprep: 'sysprep' } as const)) {
      const isCarried = capabilities.some((one) => one.field === 'seeds.carried' && one.values?.includes(kind) === true);
      const longest = capabilities.find((one) => one.field === 'ignition.size')?.max ?? 0;
      const told = (name: string) => {
        const bare = JSON.stringify({ name, rest: '' });
        const rest = name === 'one' ? 'x'.repeat(Math.max(0, longest - bare.length)) : '';
        return { content: Buffer.from(bare.replace('""', `"${rest}"`)) };
      };
      const seedOf = (name: string) => ({ kind: kind as SeedKind, location: `/seeds/${name}`, ...(isCarried ? told(name) : {}) });
      const asked = stage.definition({ seed: seedOf('one') });
      if (!capabilities.some((one) => one.field === field)) {
        await refused(t, stage.define(asked), 'Unsupported', 'Invalid');
        continue;
      }
      const { id, definition, mark } = await stage.define(asked);
      const seed = async () => (await stage.look(id)).configured?.seed;
      t.same(await seed(), { kind, location: '/seeds/one' });
      await driver.machines.define({ ...definition, seed: seedOf('other') }, mark, soon());
      t.same(await seed(), { kind, location: '/seeds/other' });
      t.same((await stage.look(id)).configured?.disks, [], 'it is no disk of the manifest');
      const { seed: _, ...without } = definition;
      await driver.machines.define(without, mark, soon());
      t.equal(await seed(), undefined);
    }
  });

  await t.test('firmware is what was asked for, or what the host chose, and is kept', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const firmwares = (capabilities.find(({ field }) => field === 'firmware.type')?.values ?? []) as readonly Firmware[];
    for (const firmware of firmwares) {
      const { id, definition, mark, owner } = await stage.define(stage.definition({ firmware }));
      t.equal((await stage.look(id)).configured?.firmware, firmware);
      await stage.switchOn(id);
      t.equal((await stage.look(id)).live?.firmware, firmware);
      await driver.power.cut(id, owner, soon());
      const { firmware: _, ...silent } = definition;
      await driver.machines.define({ ...silent, cpuCount: 2 }, mark, soon());
      t.equal((await stage.look(id)).configured?.firmware, firmware, 'also when nobody asks any more');
      for (const other of firmwares) {
        const changing = driver.machines.define({ ...definition, firmware: other }, mark, soon());
        const changes = other === firmware || stage.can('changeFirmware');
        if (changes) await changing;
        else await refused(t, changing, 'Unsupported');
        t.equal((await stage.look(id)).configured?.firmware, changes ? other : firmware);
      }
      await driver.machines.undefine(id, owner, { keepState: false }, soon());
      t.equal(await stage.find(id), undefined);
    }
    const { id } = await stage.define();
    if (firmwares.length > 0)
      t.ok(firmwares.some((one) => one === 'BIOS' || one === 'UEFI') && (await stage.look(id)).configured?.firmware);
    for (const firmware of (['BIOS', 'UEFI'] as const).filter((one) => !firmwares.includes(one)))
      await refused(t, driver.machines.define(stage.definition({ firmware }), stage.mark(), soon()), 'Invalid', 'Unsupported');
  });

  await t.test('secure boot and a TPM are what was asked for, and are taken away again', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const has = (field: string) => capabilities.some((one) => one.field === field);
    for (const [field, asked] of [
      ['firmware.secureBoot', { firmware: 'UEFI', secureBoot: true }],
      ['firmware.tpm', { tpm: 'V2' }],
    ] as const) {
      if (!has(field)) {
        await refused(t, driver.machines.define(stage.definition(asked), stage.mark(), soon()), 'Unsupported', 'Invalid');
        continue;
      }
      const { id, definition, mark, owner } = await stage.define(stage.definition(asked));
      t.match((await stage.look(id)).configured, asked);
      await stage.switchOn(id);
      t.match((await stage.look(id)).live, asked);
      await driver.power.cut(id, owner, soon());
      await driver.machines.define({ ...definition, secureBoot: false }, mark, soon());
      t.not((await stage.look(id)).configured?.secureBoot, true);
      const { tpm: _, secureBoot: __, ...silent } = definition;
      await driver.machines.define(silent, mark, soon());
      t.equal((await stage.look(id)).configured?.tpm, undefined, 'a TPM that nobody asks for goes');
      await driver.machines.define(definition, mark, soon());
      const { secureBoot: ___, ...quiet } = definition;
      await driver.machines.define(quiet, mark, soon());
      t.match((await stage.look(id)).configured, asked, 'secure boot that nobody speaks of stays');
      await driver.machines.undefine(id, owner, { keepState: false }, soon());
    }
    await refused(
      t,
      driver.machines.define(stage.definition({ firmware: 'BIOS', secureBoot: true }), stage.mark(), soon()),
      'Invalid',
      'Unsupported',
    );
  });

  await t.test('interfaces are read back to the letter, with the models and addresses that the host chose', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const of = (field: string) => capabilities.find((one) => one.field === field);
    if (of('interfaces.network') === undefined) {
      t.pass('interfaces', { skip: 'this host has none' });
      return;
    }
    const model = of('interfaces.model')?.values?.at(-1) as InterfaceModel | undefined;
    const lan = { name: 'lan', network: 'net-lan' };
    const dmz: MachineInterface = {
      name: 'dmz',
      network: `it's <a> & "b"`,
      ...(model === undefined ? {} : { model }),
      ...(of('interfaces.macAddress') === undefined ? {} : { macAddress: '52:54:00:ab:cd:ef' }),
    };
    const disks = stage.can('haveDisks') ? [await stage.disk('lan', '/images/lan.img', 'Raw')] : [];
    const { id, definition, mark } = await stage.define(stage.definition({ interfaces: [lan, dmz], disks }));
    const before = await stage.look(id);
    t.match(before.configured, asShape(definition));
    for (const { macAddress = '' } of before.configured?.interfaces ?? []) t.match(macAddress, /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/);
    t.equal(
      before.configured?.interfaces.every((one) => one.model !== undefined),
      of('interfaces.model') !== undefined,
    );
    await driver.machines.define(definition, mark, soon());
    t.same(await stage.look(id), before, 'and they are kept');
    const moved = { ...definition, interfaces: [{ ...lan, network: 'net-other' }, dmz] };
    await driver.machines.define(moved, mark, soon());
    const [first, second] = before.configured?.interfaces ?? [];
    t.same((await stage.look(id)).configured?.interfaces, [{ ...first, network: 'net-other' }, second], 'also on another network');
    await driver.machines.define({ ...definition, interfaces: [dmz] }, mark, soon());
    t.same((await stage.look(id)).configured?.interfaces, [second]);
    for (const each of (of('interfaces.model')?.values ?? []) as readonly InterfaceModel[]) {
      const { id } = await stage.define(stage.definition({ interfaces: [{ ...lan, model: each }] }));
      t.match((await stage.look(id)).configured?.interfaces, [{ ...lan, model: each }]);
    }
  });

  await t.test('a MAC address of many, or written otherwise, is refused, and so is a name twice', async (t) => {
    const lan = { name: 'lan', network: 'net-lan' };
    const bad = ['01:00:5e:00:00:01', '52:54:00:AB:CD:EF', '52-54-00-ab-cd-ef', ''].map((macAddress) => [{ ...lan, macAddress }]);
    for (const interfaces of [...bad, [lan, lan]])
      await refused(t, driver.machines.define(stage.definition({ interfaces }), stage.mark(), soon()), 'Invalid', 'Unsupported');
  });

  await t.test('more than the host accepts is refused, and nothing is made', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const most = capabilities.find(({ field }) => field === 'cpu.count')?.max;
    if (most === undefined) {
      t.pass('cpu.count', { skip: 'this host states no bound' });
      return;
    }
    const definition = stage.definition({ cpuCount: most + 1 });
    await refused(t, driver.machines.define(definition, stage.mark(), soon()), 'Invalid', 'Unsupported');
    t.notOk(await stage.isListed(definition.uuid));
  });
}

async function editingContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  await t.test('defining twice is defining once', async (t) => {
    const { id, definition, mark } = await stage.define();
    const before = await stage.look(id);
    t.equal(await driver.machines.define(definition, mark, soon()), id);
    t.same(await stage.look(id), before);
  });

  await stage.withPeer(t, 'defining what is there writes nothing', ['writeTrace'], async (t, peer) => {
    const disks = stage.can('haveDisks') ? [await stage.disk('root', hostile, 'Raw')] : [];
    const { id, definition, mark } = await stage.define(stage.definition({ disks }));
    const before = await peer.writeTrace(definition.uuid);
    await stage.pass();
    await driver.machines.define(definition, mark, soon());
    await driver.machines.mark(id, mark, mark.owner, soon());
    t.equal(await peer.writeTrace(definition.uuid), before);
    await driver.machines.define({ ...definition, cpuCount: 2 }, mark, soon());
    t.not(await peer.writeTrace(definition.uuid), before, 'and the peer would have seen it');
  });

  await t.test('a machine that is there is refused by name what its host does not know, and stays as it is', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const { id, definition, mark } = await stage.define();
    const before = await stage.look(id);
    const unknown = foreign(definition).filter(([field]) => !capabilities.some((one) => one.field === field));
    if (unknown.length === 0) t.pass(`${stage.subject.name} knows all of it`);
    for (const [field, change] of unknown) {
      const word = field.replace(/[.](type|guestId|mode)$/, '').replace(/^.*[.]/, '');
      const again = () => driver.machines.define({ ...definition, ...change }, mark, soon());
      await refused(t, again(), 'Unsupported', 'Invalid');
      await t.rejects(again(), { message: new RegExp(word, 'i') }, field);
    }
    t.same(await stage.look(id), before);
  });

  await t.test('an edit changes what differs, and keeps what the host once chose', async (t) => {
    const disks = stage.can('haveDisks')
      ? [await stage.disk('root', '/images/root.img', 'Raw'), await stage.disk('more', '/images/more.img', 'Raw')]
      : [];
    const { id, definition, mark } = await stage.define(stage.definition({ disks: disks.slice(0, 1) }));
    const before = await stage.look(id);
    const edited = { ...definition, cpuCount: 2, disks };
    t.equal(await driver.machines.define(edited, mark, soon()), id);
    const after = await stage.look(id);
    t.match(after.configured, asShape(edited));
    t.same([after.hardware, after.configured?.disks[0]], [before.hardware, before.configured?.disks[0]]);
    await driver.machines.define(definition, mark, soon());
    t.same(await stage.look(id), before, 'and back again');
  });

  await stage.withPeer(t, "an edit leaves others' words in the definition", ['decorate'], async (t, peer) => {
    const { definition, mark } = await stage.define();
    const isThere = await peer.decorate(definition.uuid);
    await driver.machines.define({ ...definition, cpuCount: 2 }, { ...mark, record: 'new' }, soon());
    t.equal(await isThere(), true);
  });

  await stage.withPeer(t, 'memory changed behind our back is read, and set right', ['editMemory'], async (t, peer) => {
    const { id, definition, mark } = await stage.define();
    await peer.editMemory(definition.uuid, 2 * definition.memoryBytes);
    t.equal((await stage.look(id)).configured?.memoryBytes, 2 * definition.memoryBytes);
    await driver.machines.define(definition, mark, soon());
    t.equal((await stage.look(id)).configured?.memoryBytes, definition.memoryBytes);
  });

  await t.test('a machine keeps its native name, and its uuid is read in lower case', async (t) => {
    const definition = stage.definition();
    const { id, mark } = await stage.define({ ...definition, uuid: definition.uuid.toUpperCase() });
    t.equal(await driver.machines.define({ ...definition, nativeName: `${definition.nativeName}.new` }, mark, soon()), id);
    t.match(await stage.look(id), { uuid: definition.uuid, nativeName: definition.nativeName });
  });
}

async function namingContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const nameOf = (length: number) => `n${stage.definition().uuid.slice(0, 8)}`.padEnd(length, 'x');

  await t.test('the longest name is kept, and a longer one is refused', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const longest = capabilities.find(({ field }) => field === 'nativeName')?.max;
    if (longest === undefined) {
      t.pass('nativeName', { skip: 'this host states no length' });
      return;
    }
    const { id, definition } = await stage.define(stage.definition({ nativeName: nameOf(longest) }));
    t.equal((await stage.look(id)).nativeName, definition.nativeName);
    await stage.switchOn(id);
    t.not((await stage.power(id)).state, 'Off', 'and such a machine starts');
    await refused(t, driver.machines.define(stage.definition({ nativeName: nameOf(longest + 1) }), stage.mark(), soon()), 'Invalid');
  });

  for (const name of [
    '',
    '.',
    '..',
    '/',
    '../../tmp/x',
    'a/b',
    'line\nbreak',
    'nul\0',
    ' blank ',
    '<a>&"b"\'c\'',
    ']]>',
    '-rf',
    '%s$(x)`y`',
    'dömäne',
  ])
    await t.test(`a machine named ${JSON.stringify(name)} is refused, or has that name`, async (t) => {
      const definition = stage.definition({ nativeName: name });
      const defining = stage.define(definition);
      if (!(await acceptedOrInvalid(t, defining))) return;
      const { id, owner } = await defining;
      t.equal((await stage.look(id)).nativeName, name);
      await driver.machines.undefine(id, owner, { keepState: false }, soon());
    });

  await t.test('a uuid that is none is refused', async (t) => {
    for (const uuid of ['', 'web', '../x', `${stage.definition().uuid}0`])
      await refused(t, driver.machines.define(stage.definition({ uuid }), stage.mark(), soon()), 'Invalid');
  });
}

async function readingContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  await t.test('all machines are listed, and read in one batch', async (t) => {
    const made = [await stage.define(), await stage.define()];
    const listed = await driver.machines.list(soon());
    const { machines, unread } = await driver.machines.read(
      made.map(({ id }) => id),
      soon(),
    );
    const glance = ({ id, uuid, nativeName, power }: Machine) => ({ id, uuid, nativeName, power });
    t.equal(machines.length, 2);
    t.same(unread, []);
    for (const machine of machines)
      t.same(
        listed.filter(({ id }) => id === machine.id),
        [glance(machine)],
      );
  });

  await t.test('nothing is read of nothing', async (t) => t.same(await driver.machines.read([], soon()), { machines: [], unread: [] }));

  await t.test('an undefined machine is left out, its uuid and name are free, and its verbs find nothing', async (t) => {
    const { id: gone, definition, mark, owner } = await stage.define();
    const { id: other } = await stage.define();
    await driver.machines.undefine(gone, owner, { keepState: false }, soon());
    await driver.machines.undefine(gone, owner, { keepState: false }, soon());
    const { machines, unread } = await driver.machines.read([gone, other], soon());
    t.same([machines.map(({ id }) => id), unread], [[other], []]);
    t.notOk(await stage.isListed(definition.uuid));
    await refused(t, driver.machines.mark(gone, mark, mark.owner, soon()), 'NotFound');
    await refused(t, driver.power.start(gone, { paused: false }, soon()), 'NotFound');
    for (const verb of ['press', 'cut', 'reset'] as const) await refused(t, driver.power[verb](gone, owner, soon()), 'NotFound');
    for (const verb of ['pause', 'resume'] as const) await refused(t, driver.power[verb](gone, soon()), 'NotFound');
    const again = await stage.define(definition, mark);
    t.match(await stage.look(again.id), { uuid: definition.uuid, nativeName: definition.nativeName });
  });
}
