import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { hideKvm } from './lab.js';

// The commands of docs/plan.md, on a real libvirt daemon, with no server at all.
const daemon = await startLibvirtd();
t.teardown(() => daemon.stop());
t.setTimeout(10 * 60_000);
await hideKvm(daemon);
const folder = await mkdtemp(join(tmpdir(), 'virtwright-plan-'));
const program = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const virtwright = (...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) =>
    execFile(process.execPath, [program, ...args, '--host', daemon.uri], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    ),
  );

const manifest = (spec: string): string => `
apiVersion: virtwright.io/v1alpha1
kind: StoragePool
metadata: { name: fast }
spec: { directory: { path: ${join(daemon.directory, 'pools/fast')} } }
---
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: hello }
spec:
  memory: { size: 32Mi }
  stop: { mode: Hard }
  disks: [{ name: root, volumeTemplate: { size: 8Mi, format: Raw } }]
${spec}`;

const file = join(folder, 'hello.yaml');
const write = (spec: string): Promise<void> => writeFile(file, manifest(spec));

async function machines() {
  await using driver = await connect({ uri: daemon.uri }, AbortSignal.timeout(30_000));
  const signal = AbortSignal.timeout(30_000);
  return (
    await driver.machines.read(
      (await driver.machines.list(signal)).map(({ id }) => id),
      signal,
    )
  ).machines;
}

await t.test('before the first apply: rendered, planned, and nothing is there', async (t) => {
  await write('  cpu: { count: 1, maxCount: 4 }');
  const rendered = await virtwright('render', '-f', file);
  t.equal(rendered.code, 0, rendered.stderr);
  for (const part of [/^<domain /, '<name>default.hello</name>', /<vcpu[^>]* current="1"/, /pools\/fast\/default\.hello-root-/])
    t.match(rendered.stdout, part);
  const planned = await virtwright('plan', '-f', file);
  t.match(planned, { code: 2, stdout: /VirtualMachine default\/hello\n {2}Define: no such machine\n {2}Start: / });
  t.same(await machines(), []);
});

await t.test('an apply, and there is nothing to do', async (t) => {
  const applied = await virtwright('apply', '-f', file);
  t.match(applied, { code: 0, stdout: /Define: no such machine/ });
  t.match(await machines(), [{ nativeName: 'default.hello', power: { state: 'On' } }]);
  t.match(await virtwright('plan', '-f', file), { code: 0, stdout: 'Nothing to do.\n' });
});

await t.test('a change is seen with what it takes, before it happens', async (t) => {
  const before = await machines();
  await write('  cpu: { count: 2, maxCount: 4 }\n  devices: { rng: {} }');
  const planned = await virtwright('plan', '-f', file);
  t.match(planned, { code: 2, stdout: /spec\.cpu\.count: Hotplug/ });
  t.match(planned.stdout, /spec\.devices\.rng: Restart/);
  t.match(planned.stdout, /Waits\n {2}VirtualMachine default\/hello spec\.devices\.rng: Restart/);
  t.same(await machines(), before, 'nothing on the host changed');
  t.match(await virtwright('apply', '-f', file), { code: 0 });
  t.match(await machines(), [{ live: { cpuCount: 2, rng: false }, configured: { rng: true } }]);
  t.match(await virtwright('plan', '-f', file, '-o', 'json'), { code: 0, stdout: /"steps": \[\]/ });
});

await t.test('what the host does not accept is said by name, and is trouble', async (t) => {
  await write('  memroy: { size: 1Gi }');
  t.match(await virtwright('plan', '-f', file), { code: 1, stderr: /VirtualMachine "hello".*memroy/s });
  await write('  cpu: { count: 500 }');
  t.match(await virtwright('plan', '-f', file), { code: 1, stdout: /spec\.cpu\.count/ });
  t.match(await virtwright('plan', '-f', join(folder, 'none.yaml')), { code: 1, stderr: /none\.yaml/ });
});
