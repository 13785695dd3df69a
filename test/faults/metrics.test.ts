import t from 'tap';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world } = lab;
await lab.furnish();
const operator = await lab.start({ pace: { glanceMs: 500, resyncMs: 2_000 } });
t.teardown(() => operator.stop());

/** The value of the series of this family that has all these words in its labels, as the next scrape has it. */
async function seriesOf(family: string, ...words: readonly string[]): Promise<number | undefined> {
  return valueIn(await operator.metrics.registry.metrics(), family, ...words);
}

function valueIn(text: string, family: string, ...words: readonly string[]): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`virtwright_${family}{`) && words.every((word) => one.includes(word)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}

/** A scrape in which the host told of its machines: a busy one may be late now and then. */
async function scraped(): Promise<string> {
  for (const end = Date.now() + 90_000; Date.now() < end; ) {
    const text = await operator.metrics.registry.metrics();
    if (valueIn(text, 'host_scrape_success', 'hypervisor="one"') === 1) return text;
  }
  throw new Error('the host never told of its machines');
}

const busy = 'name="busy"';
const lan = {
  kind: 'VirtualNetwork',
  metadata: { name: 'lan', namespace: 'default' },
  spec: {
    forward: { mode: 'NAT' },
    ipv4: { address: '10.41.0.1/24', dhcp: { ranges: [{ start: '10.41.0.100', end: '10.41.0.200' }] } },
  },
};

await t.test('what a guest does is told of by its machine, disk and interface', async (t) => {
  const guest = lab.guest('busy', { disk: true, words: 'vw.dhcp' }, { interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }] });
  await world.apply(lan, lab.volume('busy'), guest);
  const machine = await lab.untilReady('busy');
  await lab.banner(machine);
  const families = [
    'vm_cpu_usage_seconds_total',
    'vm_storage_read_traffic_bytes_total',
    'vm_storage_iops_read_total',
    'vm_network_transmit_bytes_total',
    'vm_network_receive_packets_total',
  ];
  const valuesIn = (text: string) => families.map((family) => valueIn(text, family, busy) ?? 0);
  const first = await scraped();
  const before = valuesIn(first);
  t.ok((before[0] ?? 0) > 0);
  t.equal(valueIn(first, 'vm_storage_read_traffic_bytes_total', busy, 'drive="root"'), before[1]);
  const work = 'dd if=/dev/vda of=/dev/null bs=1M iflag=direct 2>/dev/null; ping -c 3 10.41.0.1 >/dev/null; echo did-$((40+2))';
  await lab.told(machine, work, /did-42/);
  const last = await scraped();
  const after = valuesIn(last);
  for (const [at, family] of families.entries())
    t.ok((after[at] ?? 0) > (before[at] ?? 0), family, { before: before[at], after: after[at] });
  t.ok((after[1] ?? 0) - (before[1] ?? 0) >= 8 << 20, 'all of the disk was read');
  const written = valueIn(last, 'vm_storage_write_traffic_bytes_total', busy, 'drive="root"');
  t.ok((written ?? 0) >= 512, 'the mark of its boot', { written });
});

await t.test('memory is told of as the host has it, and as the guest says', async (t) => {
  await lab.until('the balloon tells', async () => valueIn(await scraped(), 'vm_memory_unused_bytes', busy) !== undefined);
  const text = await scraped();
  t.equal(valueIn(text, 'vm_memory_actual_balloon_bytes', busy), 96 << 20);
  t.ok((valueIn(text, 'vm_memory_resident_bytes', busy) ?? 0) > 0);
  const [available = 0, unused = 0] = ['available', 'unused'].map((what) => valueIn(text, `vm_memory_${what}_bytes`, busy));
  t.ok(unused > 0 && available > unused && available < 96 << 20, 'less than it was given', { available, unused });
});

await t.test('a machine whose QEMU hangs takes only its own series along, and a daemon that hangs all of them', async () => {
  await world.apply(lab.machine('other'));
  await lab.untilReady('other');
  const stopped = async (pid: number, isSo: () => Promise<boolean>) => {
    process.kill(pid, 'SIGSTOP');
    await lab.until('it is told of as it is', isSo).finally(() => process.kill(pid, 'SIGCONT'));
  };
  const told = async (name: string) => (await seriesOf('vm_cpu_usage_seconds_total', `name="${name}"`)) !== undefined;
  const succeeded = () => seriesOf('host_scrape_success', 'hypervisor="one"');
  await stopped((await lab.qemu('default.busy')) as number, async () => !(await told('busy')) && (await told('other')));
  await stopped(lab.daemon.pid, async () => (await succeeded()) === 0 && !(await told('other')));
  await lab.until('all are told of again', async () => (await succeeded()) === 1 && (await told('busy')) && (await told('other')));
});

await t.test('what another hand has changed, and was put back, is drift; and what was declared is none', async (t) => {
  const corrected = async () => (await seriesOf('drift_corrections_total', 'kind="VirtualMachine"', 'action="define"')) ?? 0;
  t.equal(await corrected(), 0);
  for (const command of ['setmaxmem', 'setmem']) await lab.daemon.virsh(command, 'default.other', '48M', '--config');
  await lab.until('it is put back', async () => (await corrected()) === 1);
  await world.apply(lab.machine('other', { cpu: { count: 2 } }));
  await lab.untilReady('other', ({ status, metadata }) => status?.observedGeneration === metadata.generation);
  t.equal(await corrected(), 1);
});

await t.test('what is deleted is told of no more', async (t) => {
  await lab.remove('busy', 'other');
  const text = await scraped();
  t.equal(valueIn(text, 'vm_cpu_usage_seconds_total', busy), undefined);
  t.ok((valueIn(text, 'storage_pool_available_bytes', 'pool="fast"') ?? 0) > 0);
});
