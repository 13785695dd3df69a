import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { cloudInit, seedBytes, sysprep } from '#controllers/seed/content.js';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { usualFolder } from '#test/peers/hyperv-host.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { isReady } from './lab.js';

const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
await world.kubectl('create', 'namespace', namespace);

for (const mode of ['v2', 'v1'] as const)
  await t.test(
    `${mode}: a guest finds cloud-init's disc and setup's in its drive, before it first runs, and again what was taken away`,
    async (t) => {
      await using lab = await HypervLab.open({ mode, files: true }).catch((reason) => skipWhereMissing(t, reason));
      const { simulator } = lab;
      await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
      const base = lab.example('StorageVolume').filter(({ metadata }) => metadata.name === 'mail-base');
      const host = ['Secret', 'Hypervisor', 'StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind));
      await world.apply(...host, ...base, ...(await lab.more('cloud-init')));
      const discs = join(lab.folder, usualFolder);
      const files = () => readdir(discs);
      const disc = async () => readFile(join(discs, (await files())[0] ?? ''));
      const native = () => simulator.machineNamed('default.cloud');
      const is = (state: string) => (seen: VirtualMachine) => isReady(seen) && isIn(state)(seen);
      const ready = await world.until('VirtualMachine', 'cloud', is('Running'), { timeoutMs: 120_000 });
      const named = { instanceId: ready.status?.uuid ?? '', hostname: 'cloud' };
      const told = (userData: string) => Buffer.from(seedBytes(cloudInit({ ...named, userData: Buffer.from(userData) })));
      t.equal((await disc()).compare(told(ready.spec.cloudInit?.userData ?? '')), 0, 'byte for byte');
      t.match(ready.status, { hardware: { seed: 'Disc' }, pendingChanges: undefined });
      const asked = simulator.host.asked.findIndex((what) => what.endsWith('.RequestStateChange'));
      t.match(simulator.host.asked.slice(0, asked).join(' '), /Add(Resource|VirtualSystemResource)/, 'first told, then started');

      const cloud = (spec: object) => world.kubectl('patch', 'virtualmachine', 'cloud', '--type=merge', '-p', JSON.stringify({ spec }));
      await cloud({ runStrategy: 'Halted', stop: { mode: 'Hard' } });
      await world.until('VirtualMachine', 'cloud', is('Stopped'), { timeoutMs: 120_000 });
      await rm(join(discs, (await files())[0] ?? ''));
      await cloud({ runStrategy: 'Always' });
      await world.until('VirtualMachine', 'cloud', is('Running'), { timeoutMs: 120_000 });
      t.equal(
        (await disc()).compare(told(ready.spec.cloudInit?.userData ?? '')),
        0,
        'what somebody took away is there before the next start',
      );

      const other = '#cloud-config\nruncmd: ["secret word"]\n';
      await cloud({ cloudInit: { userData: other } });
      const changed = await world.until('VirtualMachine', 'cloud', (seen) => seen.status?.pendingChanges !== undefined);
      t.match(changed.status?.pendingChanges, [{ field: 'spec.cloudInit', class: 'NextBoot' }]);
      native()?.enter('off');
      await world.until('VirtualMachine', 'cloud', (seen) => is('Running')(seen) && seen.status?.pendingChanges === undefined);
      t.same([(await files()).length, (await disc()).compare(told(other))], [1, 0], 'the next start has it');

      await cloud({ cloudInit: null, sysprep: { answerFile: '<unattend/>' } });
      await world.until('VirtualMachine', 'cloud', (seen) => seen.status?.pendingChanges !== undefined);
      native()?.enter('off');
      await world.until('VirtualMachine', 'cloud', (seen) => is('Running')(seen) && seen.status?.pendingChanges === undefined);
      t.same([(await files()).length, (await disc()).compare(seedBytes(sysprep(Buffer.from('<unattend/>'))))], [1, 0]);

      // Nobody listens there.
      await world.apply(lab.hypervisor({ uri: lab.uri.replace(/smb=\d+/, 'smb=9') }));
      await cloud({ sysprep: { answerFile: '<unattend a="b"/>' } });
      await world.until('VirtualMachine', 'cloud', (seen) => seen.status?.pendingChanges !== undefined);
      native()?.enter('off');
      const isTold = (seen: VirtualMachine) => /sysprep: its disc is not written: /.test(condition(seen, 'Reconciling')?.message ?? '');
      await world.until('VirtualMachine', 'cloud', isTold, { timeoutMs: 120_000 });
      t.equal(native()?.state, 'off', 'it is not started without what its guest is to be told');
      await world.apply(lab.hypervisor());
      await world.until('VirtualMachine', 'cloud', is('Running'), { timeoutMs: 120_000 });
      t.equal((await disc()).compare(seedBytes(sysprep(Buffer.from('<unattend a="b"/>')))), 0);

      await world.apply(lab.hypervisor({ uri: lab.uri.replace(/smb=\d+/, 'smb=off') }));
      const isClosed = ({ status }: Hypervisor) => status?.capabilities?.some(({ reason }) => /smb=off/.test(reason ?? '')) === true;
      await world.until('Hypervisor', 'hv1', isClosed);
      await cloud({ memory: { size: '96Mi' }, sysprep: { answerFile: '<unattend c="d"/>' } });
      const kept = await world.until('VirtualMachine', 'cloud', ({ status }) => status?.pendingChanges?.length === 2);
      t.match([isReady(kept), condition(kept, 'ComputeSynced')], [true, { reason: 'Unfit', message: /^spec.sysprep: .*smb=off/ }]);
      t.match(kept.status?.pendingChanges, [
        { field: 'spec.sysprep', class: 'Impossible', reason: /smb=off/ },
        { field: 'spec.memory.size', class: 'Restart' },
      ]);
      await cloud({ runStrategy: 'Halted' });
      await world.until('VirtualMachine', 'cloud', is('Stopped'));
      await cloud({ runStrategy: 'Always' });
      await world.until('VirtualMachine', 'cloud', (seen) => is('Running')(seen) && seen.status?.pendingChanges?.length === 1);
      t.equal(native()?.number('Msvm_MemorySettingData', 'VirtualQuantity'), 96, 'it is changed, and runs');
      t.same([(await files()).length, (await disc()).compare(seedBytes(sysprep(Buffer.from('<unattend a="b"/>'))))], [1, 0]);
      await cloud({ sysprep: { answerFile: '<unattend a="b"/>' } });
      const asAsked = await world.until('VirtualMachine', 'cloud', ({ status }) => status?.pendingChanges === undefined);
      t.match(condition(asAsked, 'ComputeSynced'), { status: 'True' }, 'what it keeps is what is asked for');
      await cloud({ sysprep: { answerFile: '<unattend c="d"/>' } });
      await world.until('VirtualMachine', 'cloud', ({ status }) => status?.pendingChanges?.[0]?.class === 'Impossible');
      await world.apply(lab.hypervisor());
      await world.until('VirtualMachine', 'cloud', ({ status }) => status?.pendingChanges?.[0]?.class === 'NextBoot');
      await cloud({ runStrategy: 'Halted' });
      await world.until('VirtualMachine', 'cloud', is('Stopped'));
      await cloud({ runStrategy: 'Always' });
      await world.until('VirtualMachine', 'cloud', is('Running'));
      t.equal((await disc()).compare(seedBytes(sysprep(Buffer.from('<unattend c="d"/>')))), 0, 'it comes once files are written again');

      await world.remove('VirtualMachine', 'cloud');
      t.same(await files(), []);
      await world.remove('StorageVolume', 'cloud-root', 'mail-base');
      await world.remove('StoragePool', 'hyper-v');
      await world.remove('VirtualNetwork', 'hyperv-lan');
      await world.remove('Hypervisor', 'hv1');
      t.notMatch(JSON.stringify(operator.writes), /secret word/);
    },
  );
