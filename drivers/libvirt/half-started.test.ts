import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';

const signal = AbortSignal.timeout(150_000);
const owner = { cluster: 'c1', namespace: 'shop', name: 'half', uid: 'u1' };
const mark: Mark = { owner, record: '' };
const definition: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-0000000000aa',
  nativeName: 'shop.half',
  cpuCount: 1,
  memoryBytes: 2 ** 25,
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};

await t.test('a machine whose start died with its daemon is Busy, and what its error says helps', { timeout: 180_000 }, async (t) => {
  await using daemon = await startLibvirtd();
  await (async () => {
    await using driver = await connect({ uri: daemon.uri }, signal);
    const id = await driver.machines.define(definition, mark, signal);
    await driver.power.start(id, { paused: true }, signal);
  })();
  await daemon.kill9();
  for (const pid of await daemon.processes()) process.kill(pid, 'SIGKILL');
  // As a daemon leaves it that dies between its note that it starts a machine and the news of its process.
  const file = join(daemon.directory, 'run/libvirt/qemu/shop.half.xml');
  const state = await readFile(file, 'utf8');
  const half = state
    .replace(/(<domstatus state='paused' reason=)'[^']*' pid='\d+'/, "$1'starting up' pid='0'")
    .replace(/(<\/qemuCaps>)/, "$1\n  <job type='none' async='start' phase='none' flags='0x1'/>");
  t.not(half, state);
  await writeFile(file, half);
  await daemon.restart();
  await using driver = await connect({ uri: daemon.uri }, signal);
  const [machine] = await driver.machines.list(signal);
  t.match(machine, { nativeName: 'shop.half', power: { state: 'Paused', reason: 'StartingUp' } });
  if (machine === undefined) return;
  const remedy = /remove \/run\/libvirt\/qemu\/shop\.half\.xml on the host and restart the daemon/;
  await t.rejects(driver.power.cut(machine.id, owner, signal), { code: 'Busy', message: remedy });

  t.same(await daemon.forgetHalfStarted(), ['shop.half']);
  await using again = await connect({ uri: daemon.uri }, signal);
  t.match(await again.machines.list(signal), [{ nativeName: 'shop.half', power: { state: 'Off' } }]);
  await again.power.start(machine.id, { paused: true }, signal);
  await again.power.cut(machine.id, owner, signal);
  await again.machines.undefine(machine.id, owner, { keepState: false }, signal);
});
