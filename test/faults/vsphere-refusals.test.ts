import t from 'tap';
import type { Kinds } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { faults } from '#test/servers/vsphere-proxy.js';
import { modes, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);

/** As a host says it; the simulator takes any. */
const unknownGuest = faults(
  'InvalidArgument',
  'A specified parameter was not correct: configSpec.guestId',
  '<invalidProperty>configSpec.guestId</invalidProperty>',
);

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
    await tell(/^Denied: .*check "username" and "password" in the Secret/);
    t.same(await lab.onlooker.sessions(), [], 'neither of who was let in before, nor of who was not');
    await world.apply(lab.secret({ 'ca.crt': '', sha256: '00'.repeat(32) }));
    await tell(/^Denied: .*the host shows a certificate with the SHA-256 .*, not the pinned 00:00.* put its fingerprint in key "sha256"/);
    await world.apply(lab.secret({ 'ca.crt': '' }));
    await tell(/^Denied: .*not trusted: put its authority into key "ca.crt" of the Secret, or its SHA-256 fingerprint into key "sha256"/);
    await world.apply(lab.secret({ 'ca.crt': '', sha256: lab.vcsim.sha256 }));
    await world.until('Hypervisor', 'esx1', (seen) => condition(seen, 'Ready')?.status === 'True');
    const host = `127.0.0.1:${lab.proxy.port}`;
    if (mode === 'esx') {
      await world.apply(lab.hypervisor({ uri: `vpx://${host}/DC0/DC0_C0` }));
      await tell(/^Invalid: .*scheme "vpx:" was given.*use "esx:"/);
    } else {
      await world.apply(lab.hypervisor({ uri: `esx://${host}` }));
      await tell(/^Invalid: .*scheme "esx:" was given.*use "vpx:"/);
      await world.apply(lab.hypervisor({ uri: `vpx://${host}/DC0/Nowhere` }));
      await tell(/^Invalid: .*there is no "Nowhere" in "DC0"; there is .*"DC0_C0"/);
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
    lab.proxy.trouble('CreateVM_Task', unknownGuest);
    const image = { source: { url: 'https://images.example.org/a.qcow2', format: 'Qcow2' } };
    const attached = { interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }] };
    const withDisk = (disk: object = {}) => ({ disks: [{ name: 'root', volumeRef: { name: 'root' }, ...disk }] });
    const bad = {
      guest: { vsphere: { guestId: 'noSuchGuest' } },
      bus: withDisk({ bus: 'VirtioBlk' }),
      format: { disks: [{ name: 'root', volumeRef: { name: 'qcow2' } }] },
      image: { disks: [{ name: 'root', volumeRef: { name: 'image' } }] },
      rng: { devices: { rng: {} } },
      odd: { memory: { size: '66Mi' } },
      vast: { memory: { size: '64Ti' } },
      unplugged: attached,
    };
    await world.apply(
      lab.volume('root'),
      lab.volume('qcow2', { format: 'Qcow2' }),
      lab.volume('image', image),
      lab.volume('alone', image),
      { kind: 'StoragePool', metadata: { name: 'gone' }, spec: { existing: { name: 'ssd 9' } } },
      { kind: 'VirtualNetwork', metadata: { name: 'lan', namespace: 'default' }, spec: { existing: { name: 'Backbone' } } },
      ...Object.entries(bad).map(([name, spec]) => lab.machine(name, spec)),
    );
    const told = {
      guest: /^Invalid: vsphere\.guestId: noSuchGuest was given, .*accepted: .*otherGuest64/,
      bus: /^Unschedulable: esx1: spec\.disks\[root\]\.bus: VirtioBlk given, this host accepts Pvscsi, LsiLogic$/,
      format: /^Unschedulable: .*volume of spec\.disks\[root\]: Qcow2 given, this host accepts Vmdk$/,
      image: /^Unschedulable: .*volume of spec\.disks\[root\]: Qcow2 given, this host accepts Vmdk$/,
      rng: /^Unschedulable: esx1: spec\.devices\.rng: asked for, this host accepts nothing there$/,
      odd: /^Invalid: memory\.size: 69206016 bytes was given; accepted: multiples of 4 MiB/,
      vast: /^Unschedulable: esx1: spec\.memory\.size: 64Ti given, this host accepts .*at most/,
      unplugged: /namespace "default" may not use network Backbone of esx1; name it in spec\.grants\[\]\.networks of Hypervisor "esx1"/,
    } satisfies Record<keyof typeof bad, RegExp>;
    for (const [name, words] of Object.entries(told)) t.match(await says('VirtualMachine', name, words), words);
    t.match(await says('StorageVolume', 'alone', /Unfit/), /^Unfit: spec\.source\.format: Qcow2 given, pool .* accepts Vmdk$/);
    await world.until('StoragePool', 'gone', ({ status }) => /ssd 9/.test(status?.failing?.[0]?.message ?? ''));
    await world.apply(lab.hypervisor({ grants: [{ name: 'lan', namespaces: { from: 'All' }, networks: ['Backbone'] }] }));
    await says('VirtualMachine', 'unplugged', /network "lan" is not ready here: esx1 has no network called Backbone/);
    t.same(await lab.onlooker.machines(), [], 'nothing was made of any of them');

    lab.proxy.calm();
    await world.apply(lab.machine('guest', { vsphere: { guestId: 'otherGuest' } }), lab.machine('bus', withDisk({ bus: 'LsiLogic' })));
    await lab.untilReady('guest');
    await lab.untilReady('bus');
    t.match((await lab.native('default.bus')).disks, [{ controller: 'VirtualLsiLogicSASController' }]);
    await lab.remove(...Object.keys(bad));
    await lab.removeVolumes('root', 'qcow2', 'image', 'alone');
    await world.delete('StoragePool', 'gone');
    await world.untilGone('StoragePool', 'gone');
    await world.delete('VirtualNetwork', 'lan');
    await world.untilGone('VirtualNetwork', 'lan');
    await lab.clear();
  });
}
