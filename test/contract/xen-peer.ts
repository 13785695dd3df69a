import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver, MachineDefinition, MachineId, MachineShape } from '#drivers/driver.js';
import { bootSector } from '#test/peers/xen/boot-sector.js';
import type { XenHost } from '#test/peers/xen.js';
import { virshPeer } from './libvirt-peer.js';
import { mustHave } from './pools.js';
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

/**
 * The kernel of a PVH guest asks many thousand times for a PIT that is not there, and QEMU 7.2, which emulates the CPU's virtualisation, now and then has
 * it fault three times over at that (`xl dmesg` tells). To Xen that is a restart: the guest boots anew, and is heard on another console.
 */
async function heardBanner({ consoles, machines }: Driver, id: MachineId): Promise<void> {
  const signal = AbortSignal.timeout(180_000);
  let heard = '';
  for (let boots = 0; boots < 3; boots++) {
    await untilOn(machines, id, signal);
    await using console = await mustHave(consoles).open(id, signal);
    for await (const bytes of console.output) {
      heard += Buffer.from(bytes).toString('latin1');
      if (heard.includes(banner)) return;
    }
  }
  throw new Error(`the guest did not come up; heard: ${heard}`);
}

/** Rejects when that takes longer than a restart does. */
async function untilOn(machines: Driver['machines'], id: MachineId, signal: AbortSignal): Promise<void> {
  for (let look = 0; look < 300; look++) {
    const [machine] = (await machines.read([id], signal)).machines;
    if (machine?.power.state === 'On') return;
    await sleep(100);
  }
  throw new Error('the guest is off, and stays so');
}

const noSuchDisk = { name: 'root', location: '/nowhere/nothing.img', format: 'Raw' } as const;

export const xenGuests = (host: XenHost) =>
  ({
    hearing: guest(host),
    deaf: guest(host, 'vw.deaf'),
    leaving: { prepare: guest(host, 'vw.poweroff=1').prepare },
    talking: { ...guest(host), prints: banner, startsAnew: true },
    unstartable: { prepare: async (definition: MachineDefinition) => ({ ...definition, disks: [noSuchDisk] }) },
  }) satisfies Guests;

/** What a PC boots from a disk of its own: it is heard, gives back what is typed, and hears the power button. */
export const bootable = ({ shell }: XenHost): GuestRecipe => ({
  prepare: async (definition: MachineDefinition) => {
    const location = `/guest/${definition.uuid}.img`;
    const sector = bootSector(banner).toString('base64');
    await shell(`base64 -d >${location} <<'END'\n${sector}\nEND\ntruncate --size=1M ${location}`);
    return { ...definition, serial: true, disks: [{ name: 'boot', location, format: 'Raw' }, ...definition.disks] };
  },
  ready: heardBanner,
});

/** A PC without anything to boot. */
export const bareShape = { memoryBytes: 32 << 20, xen: { mode: 'HVM' } } as const satisfies Partial<MachineShape>;

/** A machine of this mode that does nothing. */
export const idleShape = ({ guest: { onHost } }: XenHost, mode: 'PV' | 'PVH'): Partial<MachineShape> => ({
  memoryBytes: 16 << 20,
  boot: { kernel: onHost.idle },
  xen: { mode },
});
