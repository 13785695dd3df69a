import t from 'tap';
import { connect, credentialKeys } from '#drivers/connect.js';
import { useVcsim } from '#test/peers/vsphere/vcsim.js';
import { startProxy } from '#test/servers/vsphere-proxy.js';
import { condition, useWorld } from './world.js';

const vcsim = await useVcsim(t, { mode: 'vcenter' });
const proxy = await startProxy(vcsim);
t.teardown(() => proxy[Symbol.asyncDispose]());
const world = await useWorld(t);

const { username, password, sha256 } = vcsim;
const secret = (stringData: Readonly<Record<string, string>>) =>
  world.kubectl('apply', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'vcenter' }, stringData }),
  });

const grants = [{ name: 'networks', namespaces: { from: 'All' }, networks: ['DC0_DVPG0'] }];
const hypervisor = {
  kind: 'Hypervisor',
  metadata: { name: 'vsphere1' },
  spec: {
    uri: `vpx://127.0.0.1:${proxy.port}/DC0/DC0_C0`,
    credentialsSecretName: 'vcenter',
    defaultPoolRef: { name: 'ssd' },
    grants,
  },
};
const pool = { kind: 'StoragePool', metadata: { name: 'ssd' }, spec: { existing: { name: 'LocalDS_0' } } };
const network = { kind: 'VirtualNetwork', metadata: { name: 'lan', namespace: 'default' }, spec: { existing: { name: 'DC0_DVPG0' } } };
const volume = { kind: 'StorageVolume', metadata: { name: 'root', namespace: 'default' }, spec: { size: '1Gi', reclaimPolicy: 'Delete' } };
const machine = {
  kind: 'VirtualMachine',
  metadata: { name: 'mail', namespace: 'default' },
  spec: {
    memory: { size: '64Mi' },
    firmware: { type: 'UEFI' },
    vsphere: { guestId: 'debian12_64Guest' },
    disks: [{ name: 'root', volumeRef: { name: 'root' } }],
    interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }],
  },
};

await t.test('from an apply to a running machine on a vCenter, through changes and mishaps, to nothing left', async (t) => {
  await using operator = await world.start({ connect, credentialKeys, hypervisors: ['vsphere1'], pace: { glanceMs: 500 } });
  await secret({ username, password: 'wrong', sha256 });
  await world.apply(hypervisor, pool, network, volume, machine);
  const refused = await world.until('Hypervisor', 'vsphere1', (seen) => /password/.test(condition(seen, 'Ready')?.message ?? ''));
  t.match(condition(refused, 'Ready'), { status: 'False', message: /check "username" and "password" in the Secret/ });
  await secret({ username, password, sha256 });

  const ready = await world.until('VirtualMachine', 'mail', (seen) => condition(seen, 'Ready')?.status === 'True');
  t.match(ready.status, {
    hypervisor: 'vsphere1',
    printableStatus: 'Running',
    hardware: { firmware: 'UEFI', guestId: 'debian12_64Guest' },
  });
  t.match(ready.status?.interfaces, [{ name: 'lan', macAddress: /^00:/ }]);
  t.match((await world.get('StorageVolume', 'root'))?.status, { format: 'Vmdk' });
  t.equal(proxy.asked.filter((one) => one === 'CreateVM_Task').length, 1);

  const before = proxy.asked.length;
  await world.kubectl('annotate', 'virtualmachine', 'mail', 'a=b');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  t.same(
    proxy.asked.slice(before).filter((one) => !/^(RetrieveProperties|ContinueRetrieve|WaitForUpdates|SearchDatastore|GET )/.test(one)),
    [],
    'two passes over an unchanged machine change nothing on the host',
  );

  proxy.cut();
  await world.apply({ ...machine, spec: { ...machine.spec, cpu: { count: 2 } } });
  await world.until('VirtualMachine', 'mail', (seen) => (seen.status?.pendingChanges ?? []).some(({ field }) => field.includes('cpu')));
  const restart = { kind: 'VirtualMachineAction', metadata: { name: 'again', namespace: 'default' } };
  await world.apply({ ...restart, spec: { machineRef: { name: 'mail' }, verb: 'Restart', mode: 'Hard' } });
  await world.until(
    'VirtualMachine',
    'mail',
    (seen) => (seen.status?.pendingChanges ?? []).length === 0 && condition(seen, 'Ready')?.status === 'True',
  );

  await world.delete('VirtualMachine', 'mail');
  await world.untilGone('VirtualMachine', 'mail');
  await world.delete('StorageVolume', 'root');
  await world.untilGone('StorageVolume', 'root');
  t.same(
    operator.troubles.filter((one) => one.includes(vcsim.password)),
    [],
    'and no password was said',
  );
});
