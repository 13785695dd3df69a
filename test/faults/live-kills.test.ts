import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { MachineShape } from '#drivers/driver.js';
import {
  domainAttachDeviceFlags,
  domainDefineXmlFlags,
  domainDetachDeviceAlias,
  domainSetBlockIoTune,
  domainSetMemoryFlags,
  domainSetMetadata,
  domainSetVcpusFlags,
  domainUpdateDeviceFlags,
} from '#drivers/libvirt/rpc/procedures.js';
import { LibvirtProxy, type Trouble } from '#test/servers/libvirt-proxy.js';
import { useLab } from './lab.js';
import type { OperatorProcess } from './operator-process.js';

const lab = await useLab(t);
const { world, daemon } = lab;

const changes = new Map(
  [
    domainAttachDeviceFlags,
    domainDefineXmlFlags,
    domainDetachDeviceAlias,
    domainSetBlockIoTune,
    domainSetMemoryFlags,
    domainSetMetadata,
    domainSetVcpusFlags,
    domainUpdateDeviceFlags,
  ].map(({ name, number }) => [number, name.slice('DOMAIN_'.length)]),
);

/** What a call is about: of a note, which changes were asked of the machine; of a device, which it is. */
function about(procedure: string, body: string): string {
  const words =
    procedure === 'SET_METADATA' ? /(?:cpu|memory|disk|interface) [\w ]+/g : /<(?:controller|disk|interface)\b|ua-\w+(?=['<\0])/g;
  const found = procedure === 'DEFINE_XML_FLAGS' ? [] : (body.match(words) ?? []);
  return [procedure, ...found.slice(0, procedure === 'SET_METADATA' ? undefined : 1)].join(' ');
}

/** Whatever the agent asks the host to change kills it: before the host hears of it; asked again, once it is done. */
class Reaper {
  readonly #agent: OperatorProcess;
  readonly #lethal: RegExp;
  readonly #met = new Map<string, number>();

  constructor(agent: OperatorProcess, lethal = /./) {
    this.#agent = agent;
    this.#lethal = lethal;
  }

  /** What the agent died of twice. */
  get survived(): readonly string[] {
    return [...this.#met].flatMap(([what, times]) => (times >= 2 ? [what] : [])).sort();
  }

  /** How often the host did it. */
  done(what: string): number {
    return (this.#met.get(what) ?? 0) - 1;
  }

  readonly reap: Trouble = async ({ procedure, body, done }) => {
    const change = changes.get(procedure);
    const what = change === undefined ? '' : about(change, body.toString('latin1'));
    if (!this.#lethal.test(what)) return 'pass';
    const times = (this.#met.get(what) ?? 0) + 1;
    this.#met.set(what, times);
    if (times > 2) return 'pass';
    if (times === 2) await done();
    await this.#agent.restart();
    return 'cut';
  };
}

const base = {
  cpu: { count: 1, maxCount: 2 },
  memory: { size: '128Mi', maxSize: '192Mi' },
  disks: [
    { name: 'root', volumeRef: { name: 'pluggy' } },
    { name: 'disc', cdrom: { volumeRef: { name: 'disc-1' } } },
  ],
  interfaces: [] as readonly object[],
};
const more = {
  cpu: { count: 2, maxCount: 2 },
  memory: { size: '160Mi', maxSize: '192Mi' },
  disks: [
    { name: 'root', volumeRef: { name: 'pluggy' }, limits: { totalIops: 5000 } },
    { name: 'disc', cdrom: { volumeRef: { name: 'disc-2' } } },
    { name: 'data', volumeRef: { name: 'data' }, bus: 'VirtioScsi' },
  ],
  interfaces: [{ name: 'lan', networkRef: { name: 'quiet' }, model: 'Virtio' }],
};
const less = { ...base, cpu: more.cpu };
const machine = (spec: object) => lab.guest('pluggy', {}, { stop: { mode: 'Hard' }, ...spec });

const named = (shape: MachineShape) => ({
  cpus: shape.cpuCount,
  bytes: shape.memoryBytes,
  disks: shape.disks.map(({ limits = {}, ...disk }) => ({ limits, ...disk })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  cdroms: shape.cdroms,
  interfaces: shape.interfaces,
});

/** The machine, once it is as asked and nothing is left to be done; definition and running machine agree. */
async function settled(generation: number) {
  const seen = await lab.untilReady(
    'pluggy',
    ({ status, metadata }) =>
      (metadata.generation ?? 0) > generation &&
      status?.observedGeneration === metadata.generation &&
      (status?.pendingChanges ?? []).length === 0,
  );
  await using driver = await lab.driver();
  const { machines } = await driver.machines.read(
    (await driver.machines.list(AbortSignal.timeout(60_000))).map(({ id }) => id),
    AbortSignal.timeout(60_000),
  );
  const [only, ...others] = machines;
  if (only?.live === undefined || only.configured === undefined) throw new Error('no machine that runs');
  t.same(others, []);
  t.same(named(only.live), named(only.configured), 'definition and running machine agree');
  return { seen, shape: only.live, record: only.mark?.record ?? '' };
}

const count = (text: string, word: RegExp) => (text.match(word) ?? []).length;

await t.test('an agent that dies around every call of a live change loses none of it, and does nothing twice', async (t) => {
  await using proxy = await LibvirtProxy.start(join(daemon.directory, 'proxy-sock'), daemon.socketPath);
  await using _controller = lab.process('controller');
  await using agent = lab.process('agent');
  const hypervisor = lab.hypervisor();
  const uri = daemon.uri.replace(/socket=.*/, `socket=${proxy.path}`);
  await world.apply(
    { ...hypervisor, spec: { ...hypervisor.spec, uri } },
    lab.pool(),
    ...lab.guestVolumes(),
    ...['pluggy', 'data', 'disc-1', 'disc-2'].map((name) => lab.volume(name)),
    { kind: 'VirtualNetwork', metadata: { name: 'quiet', namespace: 'default' }, spec: { forward: { mode: 'None' } } },
    machine(base),
  );
  const first = await settled(0);
  await lab.banner(first.seen);
  for (const name of ['data', 'disc-2']) await world.until('StorageVolume', name, ({ status }) => status?.location !== undefined);
  const pid = await lab.qemu('default.pluggy');

  await t.test('hardware comes', async (t) => {
    const reaper = new Reaper(agent);
    proxy.meet(reaper.reap);
    await world.apply(machine(more));
    const { shape, record } = await settled(first.seen.metadata.generation ?? 0);
    t.match(shape, { cpuCount: 2, memoryBytes: 160 << 20, interfaces: [{ name: 'lan' }] });
    t.same(shape.disks.map(({ name }) => name).sort(), ['data', 'root']);
    t.match(shape.disks.find(({ name }) => name === 'root')?.limits, { totalIops: 5000 });
    t.notMatch(record, /"live"/, 'nothing is left to be remembered');
    const plugged = ['controller', 'disk', 'interface'].map((kind) => `ATTACH_DEVICE_FLAGS <${kind}`);
    for (const what of [
      ...plugged,
      'DEFINE_XML_FLAGS',
      'SET_BLOCK_IO_TUNE',
      'SET_MEMORY_FLAGS',
      'SET_VCPUS_FLAGS',
      'UPDATE_DEVICE_FLAGS <disk',
    ])
      t.ok(reaper.survived.includes(what), `it died around ${what}`);
    t.ok(
      reaper.survived.some((what) => /^SET_METADATA .*memory/.test(what)),
      'and around what it noted before it asked',
    );
    for (const what of plugged) t.equal(reaper.done(what), 1, `${what} was done once`);
    const live = await daemon.virsh('dumpxml', 'default.pluggy');
    t.same([count(live, /<disk /g), count(live, /<interface /g), count(live, /<controller type='scsi'/g)], [3, 1, 1]);
    t.match(await lab.told(first.seen, 'ls /sys/block /sys/class/net', /eth0/), 'sda');
  });

  await t.test('and goes', async (t) => {
    const reaper = new Reaper(agent, /^DETACH|^SET_METADATA (disk|interface)/);
    proxy.meet(reaper.reap);
    const before = (await world.get('VirtualMachine', 'pluggy'))?.metadata.generation ?? 0;
    await world.apply(machine(less));
    const { shape, record } = await settled(before);
    t.match(shape, { memoryBytes: 128 << 20, interfaces: [], disks: [{ name: 'root' }] });
    t.equal(shape.disks.length, 1);
    t.notMatch(record, /"live"/);
    t.equal(reaper.survived.filter((what) => what.startsWith('DETACH_DEVICE_ALIAS')).length, 2, `${reaper.survived}`);
    await lab.until('the volume is nobody’s', async () => (await world.get('StorageVolume', 'data'))?.status?.claim === undefined);
  });

  await t.test('and what a hand changed is put back once, and told once', async (t) => {
    const reaper = new Reaper(agent, /^DEFINE/);
    proxy.meet(reaper.reap);
    const path = join(daemon.directory, 'pluggy.xml');
    const xml = await daemon.virsh('dumpxml', '--inactive', 'default.pluggy');
    await writeFile(path, xml.replace(/<vcpu[^>]*>2</, "<vcpu placement='static' current='1'>2<"));
    await daemon.virsh('define', path);
    const seen = await lab.untilReady('pluggy', ({ status }) => (status?.drift ?? []).some((one) => one.corrections !== undefined));
    t.match(seen.status?.drift, [{ field: 'spec.cpu.count', declared: '2', found: '1', treatment: 'Enforce', corrections: 1 }]);
    t.same(reaper.survived, ['DEFINE_XML_FLAGS']);
    t.match(await daemon.virsh('dumpxml', '--inactive', 'default.pluggy'), /<vcpu placement='static'>2</);
  });

  proxy.meet(async () => 'pass');
  t.equal(await lab.qemu('default.pluggy'), pid, 'all that without a restart');
  t.equal((await world.get('VirtualMachine', 'pluggy'))?.status?.run?.bootId, '1');
  await lab.remove('pluggy');
});
