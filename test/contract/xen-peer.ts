import type { Driver, MachineDefinition, MachineId, MachineShape } from '#drivers/driver.js';
import type { XenHost } from '#test/peers/xen.js';
import { virshPeer } from './libvirt-peer.js';
import type { GuestRecipe, Guests, Peer } from './subject.js';

/** What others do to machines on a host with Xen: by virsh, or in its first domain. */
export function xenPeer(host: XenHost): Peer {
  const { virsh, shell } = host;
  return {
    ...virshPeer(virsh, host.directory),
    editMemory: async (uuid, memoryBytes) => {
      await virsh('setmaxmem', uuid, `${memoryBytes}B`, '--config');
      await virsh('setmem', uuid, `${memoryBytes}B`, '--config');
    },
    writeTrace: async (uuid) => shell(`stat --format='%i %y' '/etc/libvirt/libxl/${(await virsh('domname', uuid)).trim()}.xml'`),
    putFile: async (path, content) => void (await shell(`base64 -d >'${path}' <<'END'\n${Buffer.from(content).toString('base64')}\nEND`)),
    disconnect: async () => host.disconnect(),
  };
}

const banner = 'virtwright guest ready: contract';

/** A guest that does as these words on its kernel's command line say. */
function guest({ guest: { words: first, onHost } }: XenHost, ...words: readonly string[]): GuestRecipe {
  const commandLine = [first, 'vw.name=contract', ...words].join(' ');
  return {
    prepare: async (definition: MachineDefinition) => ({
      ...definition,
      memoryBytes: 128 << 20,
      serial: true,
      boot: { kernel: onHost.kernel, initrd: onHost.initrd, commandLine },
    }),
    ready: heardBanner,
  };
}

async function heardBanner({ consoles }: Driver, id: MachineId): Promise<void> {
  const signal = AbortSignal.timeout(180_000);
  await using console = await consoles?.open(id, signal);
  let heard = '';
  for await (const bytes of console?.output ?? []) {
    heard += Buffer.from(bytes).toString('latin1');
    if (heard.includes(banner)) return;
  }
  throw new Error(`the guest did not come up; heard: ${heard}`);
}

const noSuchDisk = { name: 'root', location: '/nowhere/nothing.img', format: 'Raw' } as const;

export const xenGuests = (host: XenHost): Guests => ({
  hearing: guest(host),
  deaf: guest(host, 'vw.deaf'),
  leaving: { prepare: guest(host, 'vw.poweroff=1').prepare },
  talking: { ...guest(host), prints: banner },
  unstartable: { prepare: async (definition) => ({ ...definition, disks: [noSuchDisk] }) },
});

/** A machine of this mode that does nothing. */
export const idleShape = ({ guest: { onHost } }: XenHost, mode: 'PV' | 'PVH'): Partial<MachineShape> => ({
  memoryBytes: 16 << 20,
  boot: { kernel: onHost.idle },
  xen: { mode },
});
