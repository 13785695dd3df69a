import type { Test } from 'tap';
import type {
  ContainerLimits,
  ContainerShape,
  MachineDefinition,
  MachineDisk,
  MachineInterface,
  MachineShape,
  Part,
} from '#drivers/driver.js';
import { networkName } from './networks.js';
import { activePool, mustHave } from './pools.js';
import { type Made, refused, type Stage, someoneElse, soon } from './stage.js';
import { Viewer } from './viewer.js';

/** Less than a guest has, that one of the suite still runs in. */
const lessBytes = 16 << 20;

/** Changes in a machine that runs, where the host says that it can. */
export async function liveContract(t: Test, stage: Stage): Promise<void> {
  const apply = (made: Pick<Made, 'id' | 'owner'>, part: Part) => mustHave(stage.driver.live).apply(made.id, made.owner, part, soon());
  await refusingContract(t, stage, apply);
  await passwordContract(t, stage, apply);
  await containerContract(t, stage, apply);
  await stage.withGuest(t, 'a running machine', 'hearing', async (t, recipe) => {
    const networks = await networksOf(stage, 2);
    const bus = (await changesLive(stage, 'disks', 'VirtioScsi')) ? { bus: 'VirtioScsi' as const } : {};
    const drives = (await changesLive(stage, 'disks.cdrom'))
      ? { cdroms: [{ name: 'drive', location: await newDisc(stage, 'disc'), ...bus }] }
      : {};
    const hasRoom = (await stage.lacks('cpu.maxCount')) === false;
    const roomy = (definition: MachineDefinition): MachineDefinition => ({
      ...definition,
      ...drives,
      ...(hasRoom ? { maxCpuCount: 2, maxMemoryBytes: definition.memoryBytes + lessBytes } : {}),
    });
    const prepared = { ...recipe, prepare: async (definition: MachineDefinition) => roomy(await recipe.prepare(definition)) };
    const made = await stage.guest(prepared);
    if (stage.can('haveDisks')) await disksContract(t, new Bench(stage, made, apply));
    await interfacesContract(t, new Bench(stage, made, apply), networks);
    if (hasRoom) await quantitiesContract(t, new Bench(stage, made, apply));
    else await fixedContract(t, new Bench(stage, made, apply));
    await stage.driver.power.cut(made.id, made.owner, soon());
  });
}

/** As the subject has them, or any at all. */
const containerOf = ({ container }: MachineDefinition): ContainerShape => container ?? { root: '/directories/root', init: ['/init'] };

async function containerContract(t: Test, stage: Stage, apply: Apply): Promise<void> {
  const skip = (await changesLive(stage, 'container.limits')) ? false : `${stage.subject.name} does not say that it can`;
  await t.test('a container’s limits change while it runs, and go', { skip }, async (t) => {
    const limited = (limits: ContainerLimits) => ({ container: { ...containerOf(stage.definition()), limits } });
    const made = await stage.running(stage.definition(limited({ readIops: 100, writeBytes: 1 << 20 })));
    const live = async () => (await stage.look(made.id)).live?.container?.limits ?? {};
    t.same(await live(), { readIops: 100, writeBytes: 1 << 20 });
    for (const limits of [{ readBytes: 1 << 20, writeIops: 50 }, {}]) {
      await stage.driver.machines.define({ ...made.definition, ...limited(limits) }, made.mark, soon());
      for (const _ of ['once', 'twice']) await apply(made, { kind: 'containerLimits' });
      t.same(await live(), limits);
    }
    await stage.driver.power.cut(made.id, made.owner, soon());
  });
}

async function passwordContract(t: Test, stage: Stage, apply: Apply): Promise<void> {
  const { machines, consoles } = stage.driver;
  const { capabilities } = await stage.driver.host.describe(soon());
  const changes = capabilities.some(({ field, change }) => field === 'devices.graphics.password' && change !== undefined);
  const skip = changes ? false : `${stage.subject.name} does not say that it can`;
  await t.test('the password of its graphics is another from now on', { skip }, async (t) => {
    const graphics = (password: string) => ({ graphics: { type: 'VNC', password } as const });
    const made = await stage.running(stage.definition(graphics('first')));
    await machines.define({ ...made.definition, ...graphics('second') }, made.mark, soon());
    t.equal((await stage.look(made.id)).live?.graphics?.password, 'first', 'until it is applied');
    for (const _ of ['once', 'twice']) await apply(made, { kind: 'graphics' });
    t.equal((await stage.look(made.id)).live?.graphics?.password, 'second');
    for (const [password, fate] of Object.entries({ first: 'refused', second: 'let in' })) {
      await using viewer = new Viewer(await mustHave(consoles).graphics(made.id, soon()));
      t.equal(await viewer.logIn(password), fate);
    }
    await machines.define({ ...made.definition, graphics: { type: 'VNC' } }, made.mark, soon());
    t.equal((await stage.look(made.id)).configured?.graphics?.password, 'second', 'and stays when nobody speaks of it');
    const { graphics: _, ...blind } = made.definition;
    await machines.define(blind, made.mark, soon());
    t.equal((await stage.look(made.id)).configured?.graphics, undefined);
    await refused(t, apply(made, { kind: 'graphics' }), 'Unsupported');
  });
}

type Apply = (made: Pick<Made, 'id' | 'owner'>, part: Part) => Promise<void>;

/** A running machine under change. */
class Bench {
  readonly stage: Stage;
  readonly made: Made;
  readonly #apply: Apply;

  constructor(stage: Stage, made: Made, apply: Apply) {
    this.stage = stage;
    this.made = made;
    this.#apply = apply;
  }

  /** Another machine. */
  of(made: Made): Bench {
    return new Bench(this.stage, made, this.#apply);
  }

  define(change: Partial<MachineDefinition>) {
    return this.stage.driver.machines.define({ ...this.made.definition, ...change }, this.made.mark, soon());
  }

  apply(part: Part) {
    return this.#apply(this.made, part);
  }

  /** What runs, once it suits. */
  live(suits: (live: MachineShape) => boolean = () => true): Promise<MachineShape> {
    return this.stage.until(async () => mustHave((await this.stage.look(this.made.id)).live), suits);
  }

  async configured(): Promise<MachineShape> {
    return mustHave((await this.stage.look(this.made.id)).configured);
  }
}

/** So many that are up; none where the peer makes none. */
export async function networksOf(stage: Stage, count: number): Promise<readonly string[]> {
  const names = stage.subject.peer.strangersNetwork === undefined ? [] : Array.from({ length: count }, networkName);
  for (const name of names) {
    const network = await stage.subject.peer.strangersNetwork?.(name);
    if (network === undefined) continue;
    stage.later(network.remove);
    await network.start();
  }
  return names;
}

const newDisc = async (stage: Stage, name: string): Promise<string> =>
  stage.subject.disc === undefined ? (await newDisk(stage, name)).location : stage.subject.disc(name);

export async function newDisk(stage: Stage, name: string): Promise<MachineDisk> {
  if (stage.subject.disk !== undefined) return { name, ...(await stage.subject.disk(name, 'Raw')) };
  const pool = await activePool(stage);
  const definition = { pool: pool.id, nativeName: `contract.${name}`, format: 'Raw', sizeBytes: 8 << 20 } as const;
  const { location } = await mustHave(stage.driver.volumes).create(definition, soon());
  const { capabilities } = await stage.driver.host.describe(soon());
  const isNumbered = capabilities.some(({ field }) => field === 'disks.serial');
  return { name, location, format: 'Raw', ...(isNumbered ? { serial: `serial-${name}` } : {}) };
}

async function refusingContract(t: Test, stage: Stage, apply: Apply): Promise<void> {
  await t.test('what is off, gone or somebody else’s is not changed', async (t) => {
    const made = await stage.define();
    await refused(t, apply(made, { kind: 'memory' }), 'Conflict');
    await stage.driver.machines.define({ ...made.definition, cpuCount: 2 }, made.mark, soon());
    await stage.switchOn(made.id);
    const { live } = await stage.look(made.id);
    await stage.driver.machines.define(made.definition, made.mark, soon());
    await refused(t, apply({ ...made, owner: someoneElse }, { kind: 'cpu' }), 'NotOurs');
    t.same((await stage.look(made.id)).live, live);
    await stage.driver.power.cut(made.id, made.owner, soon());
    await stage.driver.machines.undefine(made.id, made.owner, { keepState: false }, soon());
    await refused(t, apply(made, { kind: 'cpu' }), 'NotFound');
  });

  await t.test('a disk that is not there is refused, and what runs stays as it is', { skip: stage.unless('haveDisks') }, async (t) => {
    const made = await stage.define();
    await stage.switchOn(made.id);
    const { live } = await stage.look(made.id);
    const there = await stage.disk('none', '/nowhere/none.img', 'Raw');
    const disks: readonly MachineDisk[] = [{ ...there, location: there.location.replace(/[^/\\]+$/, 'never-$&') }];
    await stage.driver.machines.define({ ...made.definition, disks }, made.mark, soon());
    await refused(t, apply(made, { kind: 'disk', name: 'none' }), 'NotFound', 'Internal');
    t.same((await stage.look(made.id)).live, live);
    await stage.driver.power.cut(made.id, made.owner, soon());
  });
}

/** Whether the host says that it changes this, or lets one with such a bus come and go, while a machine runs. */
async function changesLive(stage: Stage, field: string, value?: string): Promise<boolean> {
  const { capabilities } = await stage.driver.host.describe(soon());
  return capabilities.some(
    (one) => one.field === field && one.change !== undefined && (value === undefined || one.values?.includes(value) === true),
  );
}

async function disksContract(t: Test, bench: Bench): Promise<void> {
  const { stage, made } = bench;
  const [data, more] = [await newDisk(stage, 'data'), await newDisk(stage, 'more')];

  await t.test('disks are plugged in as they are defined, each by itself, once or twice', async (t) => {
    await bench.define({ disks: [...made.definition.disks, data, more] });
    // A guest that has just booted may still be giving back what it is not to have.
    const before = await bench.live((live) => live.memoryBytes === made.definition.memoryBytes);
    t.same((await stage.look(made.id)).live, before, 'to define is not to plug in');
    await bench.apply({ kind: 'disk', name: 'data' });
    await bench.apply({ kind: 'disk', name: 'data' });
    const [, configured] = [await bench.live(), await bench.configured()];
    t.same(
      (await bench.live()).disks,
      configured.disks.filter(({ name }) => name !== 'more'),
    );
    await bench.apply({ kind: 'disk', name: 'more' });
    t.same(byName((await bench.live()).disks), byName(configured.disks));
  });

  await t.test('a disk is taken out once the guest has let go of it', async (t) => {
    await bench.define({ disks: [...made.definition.disks, more] });
    await bench.apply({ kind: 'disk', name: 'data' });
    const live = await bench.live(({ disks }) => !disks.some(({ name }) => name === 'data'));
    t.same(live.disks, (await bench.configured()).disks);
    await bench.apply({ kind: 'disk', name: 'data' });
  });

  await t.test('another volume under the name of a disk that runs is refused', async (t) => {
    await bench.define({ disks: [...made.definition.disks, { ...more, location: data.location }] });
    await refused(t, bench.apply({ kind: 'disk', name: 'more' }), 'Invalid', 'Unsupported');
    t.equal((await bench.live()).disks.find(({ name }) => name === 'more')?.location, more.location);
  });

  const limited = { skip: !(await changesLive(stage, 'disks.limits')) && 'the host limits no disks' };
  await t.test('a disk’s limits change while it runs, and go', limited, async (t) => {
    const limits = { totalIops: 500, readBytes: 1 << 20, writeBytes: 2 << 20 };
    await bench.define({ disks: [...made.definition.disks, { ...more, limits }] });
    await bench.apply({ kind: 'disk', name: 'more' });
    const limitsOf = async () => (await bench.live()).disks.find(({ name }) => name === 'more')?.limits;
    t.same(await limitsOf(), limits);
    await bench.define({ disks: [...made.definition.disks, { ...more, limits: { readIops: 7 } }] });
    await bench.apply({ kind: 'disk', name: 'more' });
    t.same(await limitsOf(), { readIops: 7 });
    await bench.define({ disks: [...made.definition.disks, { ...more, limits: {} }] });
    await bench.apply({ kind: 'disk', name: 'more' });
    t.same((await limitsOf()) ?? {}, {});
  });

  const scsi = { skip: !(await changesLive(stage, 'disks', 'VirtioScsi')) && 'the host has no such bus' };
  await t.test('a disk comes on a bus that the machine did not have', scsi, async (t) => {
    const scsi = { ...(await newDisk(stage, 'scsi')), bus: 'VirtioScsi' } as const;
    await bench.define({ disks: [...made.definition.disks, more, scsi] });
    await bench.apply({ kind: 'disk', name: 'scsi' });
    t.same(byName((await bench.live()).disks), byName((await bench.configured()).disks));
    await bench.define({ disks: [...made.definition.disks, more] });
    await bench.apply({ kind: 'disk', name: 'scsi' });
    const { disks } = await bench.live((live) => live.disks.every(({ name }) => name !== 'scsi'));
    t.same(disks, (await bench.configured()).disks);
  });

  const driven = { skip: !(await changesLive(stage, 'disks.cdrom')) && 'the host has no drives' };
  await t.test('a disc is taken out of its drive, and put in; the drive itself stays', driven, async (t) => {
    const [drive] = (await bench.configured()).cdroms ?? [];
    if (drive?.location === undefined) throw new Error('a drive with a disc');
    const { location, ...empty } = drive;
    const disks = [...made.definition.disks, more];
    const drives = async () => {
      await bench.apply({ kind: 'disk', name: drive.name });
      return (await bench.live()).cdroms ?? [];
    };
    await bench.define({ disks, cdroms: [empty] });
    // A guest that just looks at the disc holds it for a moment.
    t.same(await stage.until(drives, ([first]) => first?.location === undefined), [empty]);
    await bench.define({ disks, cdroms: [drive] });
    t.same(await stage.until(drives, ([first]) => first?.location !== undefined), [drive]);
    const other = { ...drive, location: await newDisc(stage, 'other') };
    await bench.define({ disks, cdroms: [other] });
    t.same(await stage.until(drives, ([first]) => first?.location !== location), [other], 'one for another');
    await bench.define({ disks, cdroms: [drive, { ...empty, name: 'second' }] });
    await refused(t, bench.apply({ kind: 'disk', name: 'second' }), 'Unsupported');
    await bench.define({ disks, cdroms: [] });
    await refused(t, bench.apply({ kind: 'disk', name: drive.name }), 'Unsupported');
    t.equal((await bench.live()).cdroms?.length, 1);
    await bench.define({ disks, cdroms: [drive] });
    await stage.until(drives, ([first]) => first?.location === location);
  });
}

async function interfacesContract(t: Test, bench: Bench, networks: readonly string[]): Promise<void> {
  const { stage } = bench;
  const { capabilities } = await stage.driver.host.describe(soon());
  const goesLive = (field: string) => capabilities.some((one) => one.field === field && one.change !== undefined);
  const [one, other] = networks;
  if (one === undefined || other === undefined) {
    t.pass('interfaces', { skip: `the peer of ${stage.subject.name} makes no networks` });
    return;
  }
  const skip = !goesLive('interfaces.vlan') && `${stage.subject.name} does not say that it can`;
  await t.test('the tag of an interface changes while its machine runs, and goes', { skip }, async (t) => {
    const lan: MachineInterface = { name: 'lan', network: one };
    const tagged = bench.of(await stage.running(stage.definition({ interfaces: [lan] })));
    for (const vlan of [{ vlan: 40 }, { vlan: 4094 }, {}]) {
      await tagged.define({ interfaces: [{ ...lan, ...vlan }] });
      for (const _ of ['once', 'twice']) await tagged.apply({ kind: 'interface', name: 'lan' });
      t.match((await tagged.live()).interfaces, [{ network: one, ...vlan }]);
      t.same((await tagged.live()).interfaces, (await tagged.configured()).interfaces);
    }
    t.equal((await tagged.live()).interfaces[0]?.vlan, undefined);
    await stage.driver.power.cut(tagged.made.id, tagged.made.owner, soon());
  });

  if (!goesLive('interfaces')) return movingContract(t, bench, [one, other]);

  await t.test('an interface is plugged in, put on another network, and taken out', async (t) => {
    const lan: MachineInterface = { name: 'lan', network: one };
    await bench.define({ interfaces: [lan] });
    t.same((await bench.live()).interfaces, [], 'to define is not to plug in');
    await bench.apply({ kind: 'interface', name: 'lan' });
    const { interfaces } = await bench.configured();
    t.same((await bench.live()).interfaces, interfaces, 'with the model and the address that the host chose');
    await bench.define({ interfaces: [{ ...lan, network: other }] });
    const moving = bench.apply({ kind: 'interface', name: 'lan' });
    if (goesLive('interfaces.network')) await moving;
    else await refused(t, moving, 'Unsupported');
    t.same((await bench.live()).interfaces, goesLive('interfaces.network') ? [{ ...interfaces[0], network: other }] : interfaces);
    for (const linkState of goesLive('interfaces.linkState') ? (['Down', 'Up'] as const) : []) {
      await bench.define({ interfaces: [{ ...lan, network: other, linkState }] });
      await bench.apply({ kind: 'interface', name: 'lan' });
      t.equal((await bench.live()).interfaces[0]?.linkState ?? 'Up', linkState);
    }
    await bench.define({ interfaces: [] });
    await bench.apply({ kind: 'interface', name: 'lan' });
    t.same((await bench.live((live) => live.interfaces.length === 0)).interfaces, []);
  });
}

/** Where interfaces come and go with the machine off. */
async function movingContract(t: Test, first: Bench, [one, other]: readonly [string, string]): Promise<void> {
  await t.test('an interface is put on another network, and neither comes nor goes', async (t) => {
    const lan: MachineInterface = { name: 'lan', network: one };
    const bench = first.of(await first.stage.running(first.stage.definition({ interfaces: [lan] })));
    const [before] = (await bench.live()).interfaces;
    await bench.define({ interfaces: [{ ...lan, network: other }] });
    t.same((await bench.live()).interfaces, [before], 'to define is not to plug in');
    for (const _ of ['once', 'twice']) await bench.apply({ kind: 'interface', name: 'lan' });
    const moved = [{ ...before, network: other }];
    t.same([(await bench.live()).interfaces, (await bench.configured()).interfaces], [moved, moved]);
    await bench.define({
      interfaces: [
        { ...lan, network: other },
        { name: 'more', network: one },
      ],
    });
    await refused(t, bench.apply({ kind: 'interface', name: 'more' }), 'Unsupported');
    await bench.define({ interfaces: [] });
    await refused(t, bench.apply({ kind: 'interface', name: 'lan' }), 'Unsupported');
    t.same((await bench.live()).interfaces, moved);
    await first.stage.driver.power.cut(bench.made.id, bench.made.owner, soon());
  });
}

/** Where nothing is kept for a machine to grow into. */
async function fixedContract(t: Test, bench: Bench): Promise<void> {
  await t.test('more CPUs and memory wait until the machine is off', async (t) => {
    const { cpuCount, memoryBytes } = bench.made.definition;
    await bench.define({ cpuCount: cpuCount + 1, memoryBytes: memoryBytes + lessBytes });
    for (const kind of ['cpu', 'memory'] as const) await refused(t, bench.apply({ kind }), 'Unsupported');
    t.match(await bench.live(), { cpuCount, memoryBytes });
    t.match(await bench.configured(), { cpuCount: cpuCount + 1, memoryBytes: memoryBytes + lessBytes });
    await bench.define({});
    for (const kind of ['cpu', 'memory'] as const) await bench.apply({ kind });
  });
}

async function quantitiesContract(t: Test, bench: Bench): Promise<void> {
  const { definition } = bench.made;

  await t.test('memory grows and shrinks within its room, and beyond it waits', async (t) => {
    const memoryBytes = definition.memoryBytes + lessBytes / 2;
    await bench.define({ memoryBytes });
    await bench.apply({ kind: 'memory' });
    t.equal((await bench.live((live) => live.memoryBytes === memoryBytes)).memoryBytes, memoryBytes);
    await bench.define({});
    await bench.apply({ kind: 'memory' });
    t.equal((await bench.live((live) => live.memoryBytes === definition.memoryBytes)).memoryBytes, definition.memoryBytes);
    const beyond = definition.memoryBytes + 2 * lessBytes;
    await bench.define({ memoryBytes: beyond, maxMemoryBytes: beyond });
    await refused(t, bench.apply({ kind: 'memory' }), 'Invalid', 'Unsupported');
    t.equal((await bench.live()).memoryBytes, definition.memoryBytes);
  });

  const weighed = { skip: (await changesLive(bench.stage, 'cpu.shares')) ? false : `${bench.stage.subject.name} does not say that it can` };
  await t.test('shares of CPU time change while it runs', weighed, async (t) => {
    for (const cpuShares of [200, 9_000]) {
      await bench.define({ cpuShares });
      for (const _ of ['once', 'twice']) await bench.apply({ kind: 'cpuShares' });
      t.match(await bench.live(), { cpuShares });
    }
    await bench.define({});
    t.match((await bench.stage.look(bench.made.id)).configured, { cpuShares: 9_000 }, 'and stay when nobody speaks of them');
  });

  await t.test('a CPU is plugged in within its room, and beyond it waits', async (t) => {
    await bench.define({ cpuCount: 2 });
    await bench.apply({ kind: 'cpu' });
    t.match(await bench.live(), { cpuCount: 2 });
    const { capabilities } = await bench.stage.driver.host.describe(soon());
    const { max = 0 } = capabilities.find(({ field }) => field === 'cpu.count') ?? {};
    // A small host has no room at all beyond it.
    if (max < 3) await refused(t, bench.define({ cpuCount: 3, maxCpuCount: 3 }), 'Invalid');
    else {
      await bench.define({ cpuCount: 3, maxCpuCount: 3 });
      await refused(t, bench.apply({ kind: 'cpu' }), 'Invalid', 'Unsupported');
    }
    t.match(await bench.live(), { cpuCount: 2 });
  });
}

const byName = <T extends { readonly name: string }>(named: readonly T[]): readonly T[] =>
  named.toSorted((a, b) => (a.name < b.name ? -1 : 1));
