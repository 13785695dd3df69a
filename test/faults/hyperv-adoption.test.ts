import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { runProgram } from '#test/cluster/program.js';
import { useWorld } from '#test/cluster/world.js';
import { HypervLab, isChange, namespace, user } from './hyperv-lab.js';
import { strangersMachine } from './hyperv-stranger.js';
import { isReady } from './lab.js';

t.setTimeout(20 * 60_000);

const world = await useWorld(t);
await world.kubectl('create', 'namespace', namespace);

const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: what others made is imported, planned, adopted while it runs, changed, and given back`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    const { asked } = lab.simulator.host;
    const stranger = await strangersMachine(lab);
    const { native } = stranger;
    const folder = await mkdtemp(join(tmpdir(), 'vw-import-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [credentials, out] = [join(folder, 'credentials'), join(folder, 'out')];
    await mkdir(credentials);
    for (const [key, value] of Object.entries({ username: user.name, password: user.password }))
      await writeFile(join(credentials, key), value);
    const before = stranger.seen();
    const from = asked.length;
    const kubeconfig = world.cluster.kubeconfigPath;
    const ran = await runProgram(
      { kubeconfig },
      'import',
      '--host',
      lab.uri,
      '--credentials',
      credentials,
      '--hypervisor',
      'hv1',
      '-o',
      out,
    );
    t.match(ran, { code: 0, out: /^1 machine of 1 in / });
    t.strictSame((await readdir(out)).sort(), ['hypervisor.yaml', 'machines', 'networks.yaml', 'pools.yaml', 'volumes.yaml']);
    const written = await Promise.all(
      (await readdir(out, { recursive: true, withFileTypes: true }))
        .filter((one) => one.isFile())
        .map((one) => readFile(join(one.parentPath, one.name), 'utf8')),
    );
    for (const text of written) t.notMatch(text, /w0rd/);
    t.same(asked.slice(from).filter(isChange), []);
    const secret = join(folder, 'secret.json');
    await writeFile(secret, JSON.stringify({ apiVersion: 'v1', ...lab.secret(), metadata: { name: 'hv1', namespace } }));
    const plan = await runProgram({ kubeconfig }, 'plan', '-R', '-f', out, '-f', secret, '--host', lab.uri, '-o', 'json');
    const { steps, troubles } = JSON.parse(plan.out) as {
      readonly steps: readonly { readonly name: string; readonly because: string }[];
      readonly troubles: unknown;
    };
    t.same(
      [plan.code, troubles, steps.map(({ name, because }) => [name, because])],
      [
        2,
        [],
        [
          ['root', 'adopted: root, as annotated'],
          ['web-server', 'adopted, as annotated'],
        ],
      ],
    );
    t.same(asked.slice(from).filter(isChange), []);

    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.kubectl('apply', '-f', secret, '-f', out, '-R');
    const ready = await world.until('VirtualMachine', 'web-server', isReady, { timeoutMs: 120_000 });
    t.match(ready.status, { power: { state: 'Running' }, nativeName: 'Web Server' });
    t.equal(ready.status?.pendingChanges, undefined);
    t.same(stranger.seen(), before, 'it runs as it did, and nothing but its notes has changed');
    t.same(
      new Set(
        asked
          .slice(from)
          .filter(isChange)
          .map((what) => what.replace(/^.*\./, '')),
      ),
      new Set([mode === 'v2' ? 'ModifySystemSettings' : 'ModifyVirtualSystem']),
    );

    await world.kubectl(
      'patch',
      'virtualmachine',
      'web-server',
      '--type=merge',
      '-p',
      '{"spec":{"runStrategy":"Halted","memory":{"size":"96Mi"}}}',
    );
    await world.until(
      'VirtualMachine',
      'web-server',
      (seen) => isReady(seen) && isIn('Stopped')(seen) && native.number('Msvm_MemorySettingData', 'VirtualQuantity') === 96,
      { timeoutMs: 120_000 },
    );
    t.same(stranger.seen().parts, before.parts);
    const released = await runProgram({ kubeconfig }, 'release', 'web-server');
    t.match(released, { code: 0, out: /web-server released/ });
    t.same([native.settings['Notes'], native.settings['AutomaticStartupAction']], stranger.theirs, 'to the letter');
    // What others have as a disk is nobody else's to let go of.
    lab.simulator.host.machines.clear();
    for (const kind of ['StorageVolume', 'VirtualNetwork', 'StoragePool', 'Hypervisor'] as const) {
      const names = (await world.kubectl('get', kind, '-o', 'name', '-A')).split('\n').flatMap((line) => line.split('/')[1] ?? []);
      for (const name of names) await world.delete(kind, name);
      for (const name of names) await world.untilGone(kind, name);
    }
    t.same(await lab.files(), [mode === 'v2' ? 'root.vhdx' : 'root.vhd']);
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });
