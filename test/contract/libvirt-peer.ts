import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Libvirtd } from '#test/peers/libvirtd.js';
import type { Peer, Undo } from './subject.js';

/** A stranger's tool on a libvirt host: virsh, at the daemon's machines of one of its drivers. */
export type Virsh = (...args: readonly string[]) => Promise<string>;

const decoration = { uri: 'https://example.org/theirs', key: 'theirs', element: '<keep this="word"/>' } as const;

/** What virsh can do with any of libvirt's drivers. */
export function virshPeer(virsh: Virsh, directory: string) {
  const fromFile = async (command: string, xml: string): Promise<void> => {
    const file = join(directory, `${randomUUID()}.xml`);
    await writeFile(file, xml);
    await virsh(command, file);
  };
  return {
    destroy: async (uuid) => void (await virsh('destroy', uuid)),
    pause: async (uuid) => void (await virsh('suspend', uuid)),
    undefine: async (uuid) => void (await virsh('undefine', uuid)),
    decorate: async (uuid) => {
      const { uri, key, element } = decoration;
      await virsh('metadata', uuid, '--uri', uri, '--key', key, '--set', element, '--config');
      return async () => (await virsh('dumpxml', '--inactive', uuid)).includes(`<theirs:keep xmlns:theirs="${uri}" this="word"/>`);
    },
    strangersMachine: async ({ uuid, nativeName }) => {
      await fromFile('define', (await machineXml(virsh)).replace('IDENTITY', `<name>${nativeName}</name><uuid>${uuid}</uuid>`));
      return undoBy(virsh, 'undefine', uuid);
    },
    strangersPool: async ({ uuid, nativeName, path }) => {
      const identity = `<name>${nativeName}</name><uuid>${uuid}</uuid>`;
      await fromFile('pool-define', `<pool type='dir'>${identity}<target><path>${path}</path></target></pool>`);
      return undoBy(virsh, 'pool-undefine', uuid);
    },
    // Without an address of its own it needs no DHCP server.
    strangersNetwork: async (name) => {
      await fromFile('net-define', `<network><name>${name}</name><bridge name='${name}'/></network>`);
      return {
        start: async () => void (await virsh('net-start', name)),
        remove: async () => {
          await virsh('net-destroy', name);
          await virsh('net-undefine', name);
        },
      };
    },
    startPool: async (uuid) => {
      await virsh('pool-build', uuid);
      await virsh('pool-start', uuid);
      return undoBy(virsh, 'pool-destroy', uuid);
    },
  } satisfies Peer;
}

function undoBy(virsh: Virsh, command: string, uuid: string): Undo {
  return async () => void (await virsh(command, uuid));
}

/** As small a machine as this driver takes. */
async function machineXml(virsh: Virsh): Promise<string> {
  const [driver = ''] = /^[a-z]+/.exec(await virsh('uri')) ?? [];
  const os = {
    qemu: "<type arch='x86_64'>hvm</type>",
    lxc: "<type arch='x86_64'>exe</type><init>/sbin/init</init>",
    xen: "<type arch='x86_64' machine='xenpv'>linux</type><kernel>/guest/idle</kernel>",
  }[driver];
  const type = os === undefined ? 'test' : driver;
  return `<domain type='${type}'>IDENTITY<memory unit='MiB'>32</memory><os>${os ?? "<type arch='i686'>hvm</type>"}</os></domain>`;
}

/** What only a host with files and processes of its machines allows. */
export function qemuPeer(daemon: Libvirtd): Peer {
  const virsh: Virsh = (...args) => daemon.virsh(...args);
  return {
    ...virshPeer(virsh, daemon.directory),
    kill: async (uuid) => void process.kill(await qemuOf(daemon, uuid), 'SIGKILL'),
    editMemory: async (uuid, memoryBytes) => {
      await virsh('setmaxmem', uuid, `${memoryBytes}B`, '--config');
      await virsh('setmem', uuid, `${memoryBytes}B`, '--config');
    },
    writeTrace: async (uuid) => {
      const name = (await virsh('domname', uuid)).trim();
      const { ino, mtimeNs } = await stat(join(daemon.directory, `etc/qemu/${name}.xml`), { bigint: true });
      return `${ino} ${mtimeNs}`;
    },
    hang: async (uuid) => {
      const pid = await qemuOf(daemon, uuid);
      process.kill(pid, 'SIGSTOP');
      return async () => void process.kill(pid, 'SIGCONT');
    },
    putFile: (path, content) => writeFile(path, content),
    disconnect: () => daemon.restart(),
  };
}

async function qemuOf(daemon: Libvirtd, uuid: string): Promise<number> {
  for (const pid of await daemon.processes()) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (words.includes(`\0-uuid\0${uuid}\0`)) return pid;
  }
  throw new Error(`no process of machine ${uuid}`);
}
