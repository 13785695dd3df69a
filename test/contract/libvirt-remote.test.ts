import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { Credentials } from '#drivers/target.js';
import { startTlsLibvirtd } from '#test/peers/remote.js';
import { startSshd } from '#test/peers/sshd.js';
import { contract, partialContract } from './contract.js';
import { qemuPeer, type Virsh, virshPeer } from './libvirt-peer.js';

t.setTimeout(600_000);

const run = promisify(execFile);
const tls = await startTlsLibvirtd();
const { daemon } = tls;
const ssh = await startSshd(daemon);
const plainSsh = await startSshd(daemon, ['AllowStreamLocalForwarding no']);
const virsh: Virsh = async (...args) => (await run('virsh', ['--connect', daemon.testUri, ...args])).stdout;

const to = (uri: string, secret: Readonly<Record<string, string>>) => () => {
  const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
  return connect({ uri, credentials }, AbortSignal.timeout(30_000));
};

const ways = {
  TLS: to(tls.uri('test'), tls.secret),
  SSH: to(ssh.uri('test'), ssh.secret),
  'SSH and a program on the host': to(plainSsh.uri('test'), plainSsh.secret),
};

/** libvirt forgets all that is pretended with the last connection. */
const keptOpen = await ways.TLS();
t.teardown(async () => {
  await keptOpen[Symbol.asyncDispose]();
  await ssh[Symbol.asyncDispose]();
  await plainSsh[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

/** The daemon has a /var/lib/libvirt of its own, which is nothing to this process: to the test alone it is here. */
const there = '/var/lib/libvirt/contract';
const here = (path: string) => path.replace(/^\/var\/lib\/libvirt/, join(daemon.directory, 'lib'));

/** The test guest, where QEMU can read it and the agent cannot. */
async function talkingGuest() {
  const built = (await run('test/peers/guest/build.sh')).stdout.trim();
  await mkdir(here(there), { recursive: true });
  for (const name of ['vmlinuz', 'initrd']) await copyFile(join(built, name), here(join(there, name)));
  const words = (await readFile(join(built, 'cmdline'), 'utf8')).trim();
  return { kernel: join(there, 'vmlinuz'), initrd: join(there, 'initrd'), commandLine: `${words} vw.name=far` };
}

const boot = await talkingGuest();

/** What is pretended suffices for most: that the same bytes come through, whatever the daemon does behind. */
for (const [way, connectDriver] of Object.entries(ways))
  await contract(t, {
    name: `libvirt's test driver by ${way}`,
    connect: connectDriver,
    without: ['live', 'volumes', 'consoles', 'stats'],
    peer: virshPeer(virsh, daemon.directory),
    directory: '/pretended',
    pretends: true,
  });

await partialContract(
  t,
  {
    name: 'libvirt with QEMU on a host whose files are far, by SSH',
    connect: to(ssh.uri(), ssh.secret),
    peer: { ...qemuPeer(daemon), putFile: (path, content) => writeFile(here(path), content) },
    directory: there,
    shape: { memoryBytes: 32 << 20 },
    looks: 600,
    guests: {
      talking: {
        prepare: async (definition) => ({ ...definition, memoryBytes: 96 << 20, serial: true, boot }),
        prints: 'virtwright guest ready: far',
      },
    },
  },
  'machines',
  'pools',
  'volumes',
  'consoles',
  'events',
  'stats',
);
