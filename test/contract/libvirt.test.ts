import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { Driver, KernelBoot, MachineDefinition, MachineId } from '#drivers/driver.js';
import { reachDisplays } from '#test/peers/displays.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { contract } from './contract.js';
import { qemuPeer } from './libvirt-peer.js';
import type { GuestRecipe } from './subject.js';

// Guests boot in seconds, but a busy machine takes its time.
t.setTimeout(900_000);

// With the groups by which a machine's share of time is had; once there are some, its time is read there, too.
const daemon = await startLibvirtd({ qemuConfig: 'cgroup_controllers = [ "cpu", "cpuacct" ]\n' });
const displays = await reachDisplays(daemon);
t.teardown(async () => {
  await displays[Symbol.asyncDispose]();
  await daemon.stop();
});

const directory = join(daemon.directory, 'pools');
await mkdir(directory);

const banner = 'virtwright guest ready: contract';
const kernel = await guestKernel();

/** The test guest, where QEMU can read it. */
async function guestKernel(): Promise<KernelBoot & { readonly commandLine: string }> {
  const built = (await promisify(execFile)('test/peers/guest/build.sh')).stdout.trim();
  const [kernel, initrd] = [join(daemon.directory, 'vmlinuz'), join(daemon.directory, 'initrd')];
  for (const name of ['vmlinuz', 'initrd', 'initrd-agent']) await copyFile(join(built, name), join(daemon.directory, name));
  return { kernel, initrd, commandLine: `${(await readFile(join(built, 'cmdline'), 'utf8')).trim()} vw.name=contract` };
}

/** A guest that does as these words on its kernel's command line say. */
function guest(...words: readonly string[]): GuestRecipe {
  return {
    prepare: async (definition: MachineDefinition) => ({
      ...definition,
      memoryBytes: 96 << 20,
      serial: true,
      boot: { ...kernel, commandLine: [kernel.commandLine, ...words].join(' ') },
    }),
    ready: heardBanner,
  };
}

/** With Debian's agent in it, and the channel for it. */
async function agent(definition: MachineDefinition): Promise<MachineDefinition> {
  const initrd = join(daemon.directory, 'initrd-agent');
  const commandLine = `${kernel.commandLine} vw.hostname=told`;
  return { ...definition, memoryBytes: 128 << 20, serial: true, guestAgent: true, boot: { ...kernel, initrd, commandLine } };
}

async function heardBanner({ consoles }: Driver, id: MachineId): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await using console = await consoles?.open(id, signal);
  let heard = '';
  for await (const bytes of console?.output ?? []) {
    heard += Buffer.from(bytes).toString('latin1');
    if (heard.includes(banner)) return;
  }
  throw new Error(`the guest did not come up; heard: ${heard}`);
}

const noSuchDisk = { name: 'root', location: join(daemon.directory, 'nowhere.img'), format: 'Raw' } as const;

await contract(t, {
  name: 'libvirt with QEMU',
  connect: () => connect({ uri: daemon.uri }, AbortSignal.timeout(30_000)),
  peer: qemuPeer(daemon),
  directory,
  shape: { memoryBytes: 32 << 20 },
  looks: 600,
  guests: {
    hearing: guest(),
    deaf: { prepare: async (definition) => definition },
    leaving: { prepare: guest('vw.poweroff=1').prepare },
    talking: { ...guest(), prints: banner },
    telling: { prepare: agent, hostname: 'told', system: 'debian' },
    unstartable: { prepare: async (definition) => ({ ...definition, disks: [noSuchDisk] }) },
  },
});
