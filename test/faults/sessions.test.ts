import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { runConsole } from '#cli/session/console.js';
import { runUpload } from '#cli/session/upload.js';
import { until } from '#test/cluster/until.js';
import { condition } from '#test/cluster/world.js';
import { isReady, useLab } from './lab.js';

const lab = await useLab(t, { logd: true });
const { world, daemon } = lab;
const soon = () => AbortSignal.timeout(180_000);
const systemPath = join(daemon.directory, 'pools/system');

/** Hears the console until it has said this, and leaves. */
async function hear(machine: string, wanted: string, { type = '', omitsHistory = false } = {}): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough().resume()];
  let heard = '';
  stdout.on('data', (chunk) => {
    heard += chunk;
  });
  const ended = runConsole(world.client, { namespace: 'default', machine, omitsHistory }, { stdin, stdout, stderr }, soon());
  if (type !== '') stdin.write(type);
  await Promise.race([ended, until(() => heard.includes(wanted))]);
  stdin.end();
  await ended;
  return heard;
}

const countOf = (text: string, word: string): number => text.split(word).length - 1;
const upload = (name: string, file: string) =>
  runUpload(world.client, { namespace: 'default', volume: name, file }, new PassThrough().resume(), soon());
const awaited = (name: string) => world.until('StorageVolume', name, (seen) => condition(seen, 'Ready')?.reason === 'AwaitingUpload');

await t.test('a guest that booted long ago shows its whole boot, once, to whoever opens its console', async (t) => {
  await using operator = await lab.start();
  const hypervisor = lab.hypervisor();
  await world.apply(
    { ...hypervisor, spec: { ...hypervisor.spec, systemPoolRef: { name: 'system' } } },
    lab.pool(),
    { kind: 'StoragePool', metadata: { name: 'system' }, spec: { directory: { path: systemPath } } },
    ...lab.guestVolumes(),
    lab.guest('talker'),
  );
  const banner = 'virtwright guest ready: talker';
  const machine = await lab.untilReady('talker');
  const log = (await readdir(systemPath)).find((name) => name.endsWith('.console')) ?? '';
  t.match(log, /^default\.talker-[0-9a-f]{8}\.console$/);
  await lab.until('it was written down', async () => (await readFile(join(systemPath, log), 'latin1')).includes(banner));
  t.equal((await stat(join(systemPath, log))).mode & 0o077, 0, 'for nobody else to read');

  const heard = await hear('talker', 'and-back', { type: 'echo and-$((0))back | tr -d 0\n' });
  t.match(heard, /^\s*virtwright guest ready: talker[\s\S]*and-back/, 'from the first word on');
  t.equal(countOf(heard, 'and-back'), 1, 'what the log and the line both have is said once');
  const again = await hear('talker', 'once-more', { type: 'echo once-$((0))more | tr -d 0\n' });
  t.match(again, /guest ready[\s\S]*and-back[\s\S]*once-more/, 'with what was said to the one before');
  const short = await hear('talker', 'only-this', { type: 'echo only-$((0))this | tr -d 0\n', omitsHistory: true });
  t.notMatch(short, /and-back|once-more/);

  const before = await daemon.virsh('dumpxml', '--inactive', 'default.talker');
  t.match(before, `<log file='${join(systemPath, log)}' append='off'/>`);
  const writes = operator.writes.length;
  await world.kubectl('annotate', 'vm', 'talker', 'a=b');
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  t.equal(await daemon.virsh('dumpxml', '--inactive', 'default.talker'), before);
  t.equal(operator.writes.length, writes);

  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'again', namespace: 'default' },
    spec: { machineRef: { name: 'talker' }, verb: 'Restart', mode: 'Hard' },
  });
  await world.until('VirtualMachine', 'talker', (seen) => seen.status?.run?.bootId === '2' && isReady(seen));
  await lab.until('it was written down anew', async () => (await readFile(join(systemPath, log), 'latin1')).includes(banner));
  const fresh = await hear('talker', banner);
  t.equal(countOf(fresh, banner), 1, 'of the boot before nothing is left');
  t.notMatch(fresh, /and-back/);
  await lab.remove('talker');
  t.same(
    (await readdir(systemPath)).filter((name) => name.includes('talker')),
    [],
    'nothing is left of what it said',
  );
  t.equal(machine.status?.run?.bootId, '1');
});

await t.test('a machine that is there is neither restarted nor defined anew to be written down', async (t) => {
  await using _operator = await lab.start();
  const hypervisor = lab.hypervisor();
  const { systemPoolRef: _, ...spec } = { ...hypervisor.spec, systemPoolRef: undefined };
  await world.kubectl('patch', 'hypervisor', 'one', '--type=json', '-p', '[{"op":"remove","path":"/spec/systemPoolRef"}]');
  await world.apply(lab.machine('old', { devices: { serial: {} } }));
  await lab.untilReady('old');
  const before = await daemon.virsh('dumpxml', '--inactive', 'default.old');
  t.notMatch(before, '<log ');
  await world.apply({ ...hypervisor, spec: { ...spec, systemPoolRef: { name: 'system' } } });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  t.equal(await daemon.virsh('dumpxml', '--inactive', 'default.old'), before);
  t.equal((await lab.untilReady('old')).status?.run?.bootId, '1');
  await lab.remove('old');
});

await t.test('an upload whose agent is killed is told so, and the next one fills the volume', async (t) => {
  await using _controller = lab.process('controller');
  await using agent = lab.process('agent');
  const content = randomBytes(6 << 20);
  const file = join(daemon.directory, 'image.raw');
  await writeFile(file, content);
  const checksum = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  await world.apply(lab.volume('brought', { source: { upload: {}, format: 'Raw', checksum } }));
  await awaited('brought');
  let killed = false;
  const early = upload('brought', file).catch((reason) => reason);
  await Promise.race([
    early,
    until(async () => {
      killed = (await world.get('StorageVolume', 'brought'))?.status?.import?.startedAt !== undefined;
      return killed;
    }),
  ]);
  await agent.kill9();
  t.ok(killed);
  const told = await early;
  if (told instanceof Error) t.match(told.message, /closed the connection|not reached/);
  await agent.restart();
  const seen = await world.until(
    'StorageVolume',
    'brought',
    (one) => isReady(one) || condition(one, 'Ready')?.reason === 'AwaitingUpload',
    { timeoutMs: 90_000 },
  );
  if (!isReady(seen)) await upload('brought', file);
  const whole = await world.until('StorageVolume', 'brought', isReady);
  const stored = await readFile(whole.status?.location ?? '');
  t.ok(stored.subarray(0, content.length).equals(content));
  t.notOk((await lab.stored()).some((name) => name.includes('brought') && name.endsWith('.incomplete')));
  await world.delete('StorageVolume', 'brought');
  await lab.untilGone('StorageVolume', 'brought');
});

await t.test('manifests/examples/libvirt/upload.yaml takes a qcow2, converted, and none that reaches for files', async (t) => {
  await using _operator = await lab.start();
  const image = join(daemon.directory, 'image.qcow2');
  await daemon.inside('qemu-img', 'create', '-q', '-f', 'qcow2', image, '4M');
  await daemon.inside('qemu-io', '-c', 'write -P 0x5a 0 1M', image);
  const evil = join(daemon.directory, 'evil.qcow2');
  await daemon.inside('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/shadow', evil, '4M');
  await world.kubectl('apply', '--server-side', '-f', 'manifests/examples/libvirt/upload.yaml');
  await awaited('brought');
  await t.rejects(upload('brought', evil), { message: /backing file/ });
  await upload('brought', image);
  const whole = await world.until('StorageVolume', 'brought', isReady);
  await using stored = await open(whole.status?.location ?? '');
  t.equal((await stored.stat()).size, 10 * 2 ** 30);
  const { buffer } = await stored.read(Buffer.alloc(1 << 20), 0, 1 << 20, 0);
  t.ok(buffer.every((byte) => byte === 0x5a));
  await world.delete('StorageVolume', 'brought');
  await lab.untilGone('StorageVolume', 'brought');
});
