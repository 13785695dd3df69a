import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import type { MachineId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { condition } from '#test/cluster/world.js';
import { prepareTls } from '#test/peers/remote.js';
import { startSshd } from '#test/peers/sshd.js';
import { useLab } from './lab.js';

// A host whose files the agent does not see: its daemon has a /var/lib/libvirt of its own, and pools lie there.
const tls = await prepareTls();
const lab = await useLab(t, tls.options);
const { world, daemon } = lab;
const reached = await tls.reach(daemon);
const ssh = await startSshd(daemon);
t.teardown(async () => {
  await ssh[Symbol.asyncDispose]();
  await reached[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

const start = (host: string) => world.start({ connect, credentialKeys, hypervisors: [host], guestSecrets: { lookMs: 500 } });
const built = (await promisify(execFile)('test/peers/guest/build.sh')).stdout.trim();
const image = lab.images.put('disk.qcow2', { bytes: await readFile(join(built, 'disk.qcow2')) });
const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];

interface Manifest {
  readonly kind: string;
  readonly spec?: object;
}

/** An example as it stands, but for where the host and the images are. */
async function apply(name: string): Promise<void> {
  const text = readFileSync(new URL(`../../../manifests/examples/libvirt/${name}.yaml`, import.meta.url), 'utf8')
    .replace(/qemu\+ssh:.*/, ssh.uri())
    .replace(/qemu\+tls:.*/, tls.uri())
    .replaceAll(/https:\/\/images[^"]*/g, image);
  for (const manifest of loadAll(text) as readonly Manifest[]) {
    const granted = manifest.kind === 'Hypervisor' ? { ...manifest, spec: { ...manifest.spec, grants } } : manifest;
    await world.kubectl('apply', '--server-side', '-n', 'default', '-f', '-', { input: JSON.stringify(granted) });
  }
}

async function putSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  await world.kubectl('apply', '--server-side', '-n', 'default', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }),
  });
}

/** A folder of the daemon's own, which is not here. */
const there = '/var/lib/libvirt/by-tls';

/** What a machine says on its console, by TLS. */
async function heardFrom({ status }: VirtualMachine): Promise<string> {
  const credentials = new Credentials(Object.entries(tls.secret).map(([key, value]) => [key, Buffer.from(value)]));
  const signal = AbortSignal.timeout(90_000);
  await using driver = await connect({ uri: tls.uri(), credentials }, signal);
  await using line = await driver.consoles?.open(status?.uuid as MachineId, signal);
  const asking = setInterval(() => line?.write(Buffer.from('\n'), signal).catch(() => {}), 500);
  let heard = '';
  try {
    for await (const chunk of line?.output ?? []) {
      heard += Buffer.from(chunk).toString('latin1');
      if (/virtwright guest ready: [\w-]+\s/.test(heard)) break;
    }
  } finally {
    clearInterval(asking);
  }
  return heard;
}

const untilHost = (name: string, status: 'True' | 'False') =>
  world.until('Hypervisor', name, (seen: Hypervisor) => condition(seen, 'Ready')?.status === status, { timeoutMs: 120_000 });
const addresses = ({ status }: VirtualMachine) => status?.interfaces?.flatMap(({ addresses: its = [] }) => its) ?? [];

await t.test('remote-ssh.yaml: a machine boots on a host that the agent has but a login to', async (t) => {
  await using operator = await start('far-ssh');
  await apply('remote-ssh');
  t.match(condition(await untilHost('far-ssh', 'False'), 'Ready'), { reason: 'CredentialsMissing' });
  await putSecret('far-ssh', ssh.secret);
  await untilHost('far-ssh', 'True');
  await apply('smallest');
  const seen = await lab.untilReady('first', (one) => addresses(one).length > 0);
  t.match(addresses(seen)[0]?.ip, /^10\.33\.0\.1\d\d$/);
  const kept = (await daemon.inside('ls', '/var/lib/libvirt/virtwright/system')).trim();
  t.match(kept, /^default\.first-[0-9a-f]{8}\.seed-[0-9a-f]{16}$/, 'what cloud-init is told lies there');
  await t.rejects(stat('/var/lib/libvirt/virtwright'), { code: 'ENOENT' }, 'and nothing of it here');
  await world.delete('VirtualMachine', 'first');
  await lab.untilGone('VirtualMachine', 'first');

  await t.test('its screen is shown through the same login', async (t) => {
    await world.apply(lab.machine('shown', { devices: { graphics: { type: 'VNC' } } }));
    const shown = await lab.untilReady('shown');
    const signal = AbortSignal.timeout(30_000);
    const greeting = async (uri: string, secret: Readonly<Record<string, string>>) => {
      const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
      await using driver = await connect({ uri, credentials }, signal);
      await using viewer = await driver.consoles?.graphics(shown.status?.uuid as MachineId, signal);
      for await (const bytes of viewer?.output ?? []) return Buffer.from(bytes).toString('latin1');
      return '';
    };
    t.match(await greeting(ssh.uri(), ssh.secret), /^RFB 003\.008\n/);
    await t.rejects(greeting(tls.uri(), tls.secret), {
      code: 'Unsupported',
      message:
        /graphics listen on 127\.0\.0\.1, port \d+, of its host\. localhost:\d+: it is reached by a way that leads to its daemon alone/,
    });
    await lab.remove('shown');
  });
  for (const secret of Object.values(ssh.secret))
    t.notOk(
      operator.troubles.some((trouble) => trouble.includes(secret.trim())),
      'nothing secret is told',
    );
});

await t.test('remote-tls.yaml: a host that is known by its authority is Ready; another is Denied, and what to do is said', async (t) => {
  await using _operator = await start('kvm4');
  await putSecret('kvm4', { ...tls.secret, 'tls.key': await readFile(join(tls.folder, 'server.key'), 'utf8') });
  await apply('remote-tls');
  t.match(condition(await untilHost('kvm4', 'False'), 'Ready'), {
    reason: 'Denied',
    message: /key "tls.key" of the Secret: it is the key of another/,
  });
  await putSecret('kvm4', tls.secret);
  await untilHost('kvm4', 'True');

  await t.test('a machine boots there, of volumes that came by the same way', async (t) => {
    const poolRef = { name: 'by-tls' };
    const placed = (volume: { readonly spec: object }) => ({ ...volume, spec: { ...volume.spec, poolRef } });
    const pool = { kind: 'StoragePool', metadata: poolRef, spec: { directory: { path: there } } };
    await world.apply(pool, ...[...lab.guestVolumes(), lab.volume('by-tls')].map(placed));
    await world.apply(lab.guest('by-tls', { disk: true }, { placement: { hypervisorRef: { name: 'kvm4' } } }));
    const seen = await lab.untilReady('by-tls');
    t.equal(seen.status?.hypervisor, 'kvm4');
    t.match(await heardFrom(seen), /virtwright guest ready: by-tls/);
    const kept = (await daemon.inside('ls', there)).trim().split('\n');
    t.match(
      kept,
      ['by-tls', 'initrd', 'kernel'].map((name) => new RegExp(`^default\\.${name}-[0-9a-f]{8}$`)),
      'its volumes lie there',
    );
    await t.rejects(stat(there), { code: 'ENOENT' }, 'and not here');
    await lab.remove('by-tls');
  });
});
