import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { runProgram } from '#test/cluster/program.js';
import type { World } from '#test/cluster/world.js';
import type { XenHost } from '#test/peers/xen.js';

interface Stage {
  readonly world: World;
  readonly host: XenHost;
  /** What the guest's kernel is told first. */
  readonly words: string;
  readonly isReady: (name: string) => Promise<VirtualMachine>;
}

const names = ['their-contained', 'their-para', 'their-pc'] as const;
type Name = (typeof names)[number];

const head = (name: Name, at: number) =>
  `<name>${name}</name><uuid>11111111-2222-4333-8444-55555555560${at}</uuid><title>of others</title><memory unit='MiB'>128</memory><vcpu>1</vcpu>`;
const disk = (file: string, target: string, more = '') =>
  `<disk type='file' device='disk'><driver name='phy' type='raw'/><source file='/guest/${file}'/><target dev='${target}'${more}/></disk>`;
const kernel = ({ guest: { onHost } }: XenHost, words: string) =>
  `<kernel>${onHost.kernel}</kernel><initrd>${onHost.initrd}</initrd><cmdline>${words} vw.name=theirs</cmdline>`;

/** One of each kind, as people write them; the PC has drives by the names of IDE, and a screen, which no manifest says on Xen. */
const definitions = (host: XenHost, words: string): Readonly<Record<Name, string>> => ({
  'their-para': `<domain type='xen'>${head('their-para', 1)}<os><type arch='x86_64' machine='xenpv'>linux</type>${kernel(host, words)}</os>
    <devices>${disk('theirs.img', 'xvda', " bus='xen'")}
    <interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='theirs'/></interface><console type='pty'/></devices></domain>`,
  'their-contained': `<domain type='xen'>${head('their-contained', 2)}<os><type arch='x86_64' machine='xenpvh'>xenpvh</type>${kernel(host, words)}</os>
    <devices><console type='pty'/></devices></domain>`,
  'their-pc': `<domain type='xen'>${head('their-pc', 3)}<os><type arch='x86_64' machine='xenfv'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features>
    <devices>${disk('their-pc.img', 'hda', " bus='ide'")}<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/guest/theirs.iso'/><target dev='hdb' bus='ide'/><readonly/></disk>
    <interface type='network'><mac address='52:54:00:aa:bb:02'/><source network='theirs'/><model type='e1000e'/></interface>
    <graphics type='vnc' listen='127.0.0.1'/><serial type='pty'/></devices></domain>`,
});

const bare = (xml: string) => xml.replace(/\s*<metadata(\/>|>[\s\S]*?<\/metadata>)/, '');

/** Another's machines: the paravirtualised one runs all the while. */
export async function adoptStrangers(t: Test, { world, host, words, isReady }: Stage): Promise<void> {
  const kubeconfig = world.cluster.kubeconfigPath;
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-import-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const define = async (command: string, name: string, xml: string) => {
    await writeFile(join(host.directory, `${name}.xml`), xml);
    await host.virsh(command, join(host.directory, `${name}.xml`));
  };
  await host.shell('cd /guest; truncate --size=8M theirs.img their-pc.img; truncate --size=64K theirs.iso');
  await host.virsh('pool-define-as', 'theirs', 'dir', '--target', '/guest');
  await host.virsh('pool-start', 'theirs');
  await define('net-define', 'theirs', '<network><name>theirs</name></network>');
  await host.virsh('net-start', 'theirs');
  for (const [name, xml] of Object.entries(definitions(host, words))) await define('define', name, xml);
  await host.virsh('start', 'their-para');
  const definition = (name: Name) => host.virsh('dumpxml', '--inactive', name);
  const before = new Map(await Promise.all(names.map(async (name) => [name, await definition(name)] as const)));
  const asBefore = async (what: string) => {
    for (const name of names) t.equal(bare(await definition(name)), bare(before.get(name) ?? ''), `${name} is ${what}`);
  };
  const id = await host.virsh('domid', 'their-para');

  const ran = await runProgram({ kubeconfig }, 'import', '--host', host.uri, '--hypervisor', 'xen1', '-o', folder, ...names);
  t.match(ran, { code: 0, out: /^3 machines of / }, 'all of them');
  t.match(await readFile(join(folder, 'machines/their-pc.yaml'), 'utf8'), /not managed: .*graphics vnc[\s\S]*mode: HVM[\s\S]*cdrom:/);

  const planned = await runProgram({ kubeconfig }, 'plan', '-R', '-f', folder, '--host', host.uri, '-o', 'json');
  const { troubles, calls } = JSON.parse(planned.out) as { troubles: unknown[]; calls: string[] };
  t.same(troubles, []);
  t.same(
    [...new Set(calls.map((call) => call.split(' ')[0]))].filter((call) => call !== 'machines.mark'),
    ['adoption.adopt'],
  );

  t.match(await runProgram({ kubeconfig }, 'apply', '-R', '-f', folder), { code: 0 });
  for (const name of names) {
    const { status } = await isReady(name);
    t.match(status, { adopted: true, power: { state: name === 'their-para' ? 'Running' : 'Stopped' } });
    t.equal(status?.pendingChanges, undefined);
  }
  await asBefore('as it was');
  t.equal(await host.virsh('domid', 'their-para'), id, 'and the one that ran runs on');

  t.match(await runProgram({ kubeconfig }, 'release', ...names), { code: 0 });
  await asBefore('given back');
  t.equal(await host.virsh('domid', 'their-para'), id);
  await host.virsh('destroy', 'their-para');
  for (const name of names) await host.virsh('undefine', name);
}
