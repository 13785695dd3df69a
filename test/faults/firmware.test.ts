import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import type { MachineId } from '#drivers/driver.js';
import { checkPng, Viewer } from '#test/contract/viewer.js';
import { reachDisplays } from '#test/peers/displays.js';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world, daemon } = lab;

interface Manifest {
  readonly spec: { readonly firmware: object; readonly devices: object };
}

const example = load(readFileSync(new URL('../../../manifests/examples/libvirt/firmware.yaml', import.meta.url), 'utf8')) as Manifest;

interface GuestSpec {
  readonly boot: { readonly kernel: { readonly commandLine: string } };
  readonly devices: object;
}

/** The example with the test guest in it, whose kernel checks modules under secure boot, and so must have what it checks them with. */
const sealed = (change: object = {}) => {
  const { boot, devices } = lab.guest('sealed').spec as Partial<GuestSpec>;
  const commandLine = boot?.kernel.commandLine.replace('lsm=', 'lsm=integrity');
  return {
    ...example,
    spec: {
      ...example.spec,
      boot: { kernel: { ...boot?.kernel, commandLine } },
      devices: { ...devices, ...example.spec.devices },
      stop: { mode: 'Hard' },
      ...change,
    },
  };
};

/** TPM2_ReadClock, as TCG's "TPM 2.0 Library, Part 3: Commands" has it: after ten bytes of header and twice eight of clock comes how often the TPM was reset. */
const readClock = String.raw`exec 5<>/dev/tpm0; printf '\200\001\000\000\000\012\000\000\001\201' >&5; dd bs=64 count=1 <&5 2>/dev/null | od -An -v -tx1 -w64`;

async function resets(machine: VirtualMachine): Promise<number> {
  const whole = /80 01( [0-9a-f]{2}){33}/;
  const [answer = ''] = whole.exec(await lab.told(machine, readClock, whole)) ?? [];
  return Number.parseInt(answer.split(' ').slice(26, 30).join(''), 16);
}

/** What firmware and TPMs wrote down on the host. */
const kept = async () =>
  (await daemon.inside('find', '/var/lib/libvirt/qemu/nvram', '/var/lib/libvirt/swtpm', '-name', '*.fd', '-o', '-name', '*.permall'))
    .split('\n')
    .filter(Boolean)
    .sort();

/** No garbage collector runs beside the API server: what was the machine's own goes by this. */
const collected = () => world.kubectl('delete', 'secret', 'sealed-graphics', '--ignore-not-found');

await t.test('a guest under secure boot finds its TPM again, and so does the next one on its disk', async (t) => {
  await using operator = await lab.start();
  await lab.furnish();
  await world.apply(sealed());
  const first = await lab.untilReady('sealed');
  await lab.banner(first);
  t.match(first.status?.hardware, { firmware: 'UEFI', tpm: 'CRB' });
  t.match(await lab.told(first, 'dmesg | grep -i "secure boot"', /boot (enabled|disabled|could not)/i), /Secure boot enabled/);
  t.match(await lab.told(first, 'echo version $(cat /sys/class/tpm/tpm0/tpm_version_major)', /version \d/), 'version 2');
  const once = await resets(first);
  const uuid = first.status?.uuid ?? '';
  const files = ['/var/lib/libvirt/qemu/nvram/default.sealed_SB.fd', `/var/lib/libvirt/swtpm/${uuid}/tpm2/tpm2-00.permall`];
  t.same(await kept(), files);

  await t.test('its screen is seen by who has the password', async (t) => {
    await using _displays = await reachDisplays(daemon);
    const password = await world.kubectl('get', 'secret', 'sealed-graphics', '-o', 'go-template={{.data.password | base64decode}}');
    await using driver = await lab.driver();
    const consoles = driver.consoles as NonNullable<typeof driver.consoles>;
    await using viewer = new Viewer(await consoles.graphics(uuid as MachineId, AbortSignal.timeout(60_000)));
    t.equal(await viewer.logIn(password), 'let in');
    const { width, height } = await viewer.screen();
    const picture = checkPng((await consoles.screenshot(uuid as MachineId, AbortSignal.timeout(60_000))).bytes);
    // The kernel may have cleared it just now.
    t.match(picture, { width, height }, 'and is as large on a picture of it');
    t.match(first.status?.hardware, { video: 'VGA' });
  });

  await t.test('after a power cut', async (t) => {
    await world.apply({
      kind: 'VirtualMachineAction',
      metadata: { name: 'cut', namespace: 'default' },
      spec: { machineRef: { name: 'sealed' }, verb: 'Restart', mode: 'Hard' },
    });
    const again = await lab.untilReady('sealed', ({ status }) => status?.run?.bootId !== first.status?.run?.bootId);
    await lab.banner(again);
    t.ok((await resets(again)) > once, 'it knows that it was reset since');
  });

  await t.test('after the machine was deleted, whose disk stays', async (t) => {
    await lab.remove('sealed');
    await collected();
    t.same(await kept(), files);
    await world.apply(sealed({ uuid, disks: [{ name: 'root', volumeRef: { name: 'sealed-root' } }] }));
    const next = await lab.untilReady('sealed');
    await lab.banner(next);
    t.match(await lab.told(next, 'dmesg | grep -i "secure boot"', /boot (enabled|disabled|could not)/i), /Secure boot enabled/);
    t.ok((await resets(next)) > once + 1);
  });

  await t.test('and goes with the disk', async (t) => {
    await world.kubectl('patch', 'storagevolume', 'sealed-root', '--type=merge', '-p', '{"spec":{"reclaimPolicy":"Delete"}}');
    await lab.remove('sealed');
    await collected();
    t.same(await kept(), []);
  });
  t.same(operator.troubles, []);
});

await t.test('UEFI without secure boot, and then with it, does not go on with what it wrote before', async (t) => {
  await using operator = await lab.start();
  await world.apply(sealed({ firmware: { type: 'UEFI' }, disks: [] }));
  await lab.banner(await lab.untilReady('sealed'));
  t.same(await kept(), ['/var/lib/libvirt/qemu/nvram/default.sealed_VARS.fd']);
  await world.apply(sealed({ disks: [] }));
  const waiting = await lab.untilReady('sealed', ({ status }) => (status?.pendingChanges ?? []).length > 0);
  t.same(waiting.status?.pendingChanges?.map(({ field }) => field).sort(), ['spec.firmware.secureBoot', 'spec.firmware.tpm']);
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'seal', namespace: 'default' },
    spec: { machineRef: { name: 'sealed' }, verb: 'Restart', mode: 'Hard' },
  });
  const secured = await lab.untilReady('sealed', ({ status }) => (status?.pendingChanges ?? []).length === 0);
  await lab.banner(secured);
  t.match(await lab.told(secured, 'dmesg | grep -i "secure boot"', /boot (enabled|disabled|could not)/i), /Secure boot enabled/);
  await lab.remove('sealed');
  t.same(operator.troubles, []);
});
