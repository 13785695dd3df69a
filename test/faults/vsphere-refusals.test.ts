import t from 'tap';
import type { Kinds } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { datastore, modes, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);

/** What Ready says, once it says so. */
async function says<K extends keyof Kinds>(kind: K, name: string, words: RegExp): Promise<string> {
  const text = (seen: Kinds[K]) => {
    const ready = condition(seen, 'Ready');
    return ready === undefined || ready.status === 'True' ? '' : `${ready.reason}: ${ready.message}`;
  };
  return text(await world.until(kind, name, (seen) => words.test(text(seen))));
}

for (const mode of modes) {
  await t.test(`${mode}: who is not let in is told why, and leaves no session`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    await using operator = await lab.start();
    const tell = (words: RegExp) => says('Hypervisor', 'esx1', words);
    await lab.furnish();
    await world.until('Hypervisor', 'esx1', (seen) => condition(seen, 'Ready')?.status === 'True');
    await world.apply(lab.secret({ password: 'wrong-hush' }));
    t.comment(await tell(/^Denied: .*check "username" and "password" in the Secret/));
    t.same(await lab.onlooker.sessions(), [], 'neither of who was let in before, nor of who was not');
    await world.apply(lab.secret({ 'ca.crt': '', sha256: '00'.repeat(32) }));
    t.comment(
      await tell(/^Denied: .*the host shows a certificate with the SHA-256 .*, not the pinned 00:00.* put its fingerprint in key "sha256"/),
    );
    await world.apply(lab.secret({ 'ca.crt': '' }));
    t.comment(
      await tell(/^Denied: .*not trusted: put its authority into key "ca.crt" of the Secret, or its SHA-256 fingerprint into key "sha256"/),
    );
    await world.apply(lab.secret({ 'ca.crt': '', sha256: lab.vcsim.sha256 }));
    await world.until('Hypervisor', 'esx1', (seen) => condition(seen, 'Ready')?.status === 'True');
    const host = `127.0.0.1:${lab.proxy.port}`;
    if (mode === 'esx') {
      await world.apply(lab.hypervisor({ uri: `vpx://${host}/DC0/DC0_C0` }));
      t.comment(await tell(/^Invalid: .*scheme "vpx:" was given.*use "esx:"/));
    } else {
      await world.apply(lab.hypervisor({ uri: `esx://${host}` }));
      t.comment(await tell(/^Invalid: .*scheme "esx:" was given.*use "vpx:"/));
      await world.apply(lab.hypervisor({ uri: `vpx://${host}/DC0/Nowhere` }));
      t.comment(await tell(/^Invalid: .*there is no "Nowhere" in "DC0"; there is .*"DC0_C0"/));
    }
    await world.apply(lab.hypervisor());
    await world.until('Hypervisor', 'esx1', (seen) => condition(seen, 'Ready')?.status === 'True');
    t.equal((await lab.onlooker.sessions()).length, 1);
    t.notMatch(operator.troubles.join('\n'), /wrong-hush/);
    await lab.clear();
    await operator.stop();
    t.same(await lab.onlooker.sessions(), []);
  });

  await t.test(`${mode}: what the host does not have, or does not take, is named`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    await using _operator = await lab.start();
    await lab.furnish();
    const attached = { interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }] };
    const withDisk = (disk: object = {}) => ({ disks: [{ name: 'root', volumeRef: { name: 'root' }, ...disk }] });
    const bad = {
      guest: { vsphere: { guestId: 'noSuchGuest' } },
      bus: withDisk({ bus: 'VirtioBlk' }),
      format: { disks: [{ name: 'root', volumeRef: { name: 'qcow2' } }] },
      image: { disks: [{ name: 'root', volumeRef: { name: 'image' } }] },
      serial: { devices: { serial: {} } },
      odd: { memory: { size: '66Mi' } },
      vast: { memory: { size: '64Ti' } },
      unplugged: attached,
    };
    await world.apply(
      lab.volume('root'),
      lab.volume('qcow2', { format: 'Qcow2' }),
      lab.volume('image', { source: { url: 'https://images.example.org/a.qcow2', format: 'Qcow2' } }),
      { kind: 'StoragePool', metadata: { name: 'gone' }, spec: { existing: { name: 'ssd 9' } } },
      { kind: 'VirtualNetwork', metadata: { name: 'lan', namespace: 'default' }, spec: { existing: { name: 'Backbone' } } },
      ...Object.entries(bad).map(([name, spec]) => lab.machine(name, spec)),
    );
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    for (const name of Object.keys(bad)) t.comment(name, await says('VirtualMachine', name, /./));
    for (const name of ['qcow2', 'image']) t.comment(name, await says('StorageVolume', name, /./));
    t.comment(await says('StoragePool', 'gone', /./), await says('VirtualNetwork', 'lan', /./));
    await world.apply(lab.hypervisor({ grants: [{ name: 'lan', namespaces: { from: 'All' }, networks: ['Backbone'] }] }));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    t.comment(await says('VirtualNetwork', 'lan', /./));
    t.comment(await says('VirtualMachine', 'unplugged', /./));
    t.ok(datastore);
  });
}
