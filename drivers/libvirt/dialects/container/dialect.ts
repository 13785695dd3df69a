import type { MachineDefinition } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from '../../daemon.js';
import { groundOf } from '../../directories/ground.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { bytesPerMiB } from '../../xml/definition.js';
import { namesInMetadata } from '../../xml/names-in-metadata.js';
import { readHardware } from '../../xml/read.js';
import type { Dialect, HostFacts, MachineOffer } from '../dialect.js';
import { mustFit } from '../fits.js';
import { containerCapabilities } from './capabilities.js';
import { checkContainer } from './check.js';
import { editContainer } from './edit.js';
import { ContainerLive } from './live.js';
import { readContainer } from './read.js';
import { usersIn } from './uid-map.js';
import { unsaidOfContainer } from './unsaid.js';

/** libvirt's LXC driver: containers, which share the kernel of their host. */
export const container: Dialect = {
  accepted: 'containers of LXC',
  provenOn: 'Real',
  offer: async (facts, { daemon }) => offerOf(facts, daemon),
  check: checkContainer,
  located,
  edit: editContainer,
  readShape: readContainer,
  readHardware: (domain) => {
    const { firmware: _, ...hardware } = readHardware(domain);
    return hardware;
  },
  unsaid: unsaidOfContainer,
  names: namesInMetadata,
  // Of initctl libvirt 9.0 says that it was heard where no init listens to it.
  power: { startsPaused: 'Never', shutdown: shutdownFlags.signal },
  live: (daemon) => new ContainerLive(daemon),
  sharesConsoles: true,
  directories: true,
};

/** Whose host's files are not ours as well says nothing of them. */
async function located(
  definition: MachineDefinition,
  { fillsDirectories }: Daemon,
  native: XmlElement | undefined,
): Promise<MachineDefinition> {
  const { container: asked } = definition;
  if (asked === undefined || !fillsDirectories) return definition;
  const usersOf = native !== undefined && usersIn(native) === 'OfOthers' ? 'ItsMap' : 'ItsRoot';
  return { ...definition, container: { ...asked, ground: await groundOf(asked, usersOf) } };
}

/** The architectures whose containers have been tried. */
const architectures = ['x86_64'];

function offerOf({ host, memoryBytes, cpuCount }: HostFacts, { fillsDirectories: seesFiles }: Daemon): MachineOffer | undefined {
  const guest = host.guests.find((each) => each.osType === 'exe' && each.architecture === host.architecture);
  if (guest === undefined || !guest.domainTypes.includes('lxc') || !architectures.includes(host.architecture)) return undefined;
  const most = { cpuCount, memoryBytes: Math.floor(memoryBytes / bytesPerMiB) * bytesPerMiB };
  const capabilities = containerCapabilities(most, { seesFiles });
  return {
    capabilities,
    check: (definition) => mustFit(definition, { host: 'LXC', capabilities }),
    create: (definition, mark) => editContainer(skeleton(definition, guest), definition, mark),
  };
}

interface Base {
  readonly architecture: string;
  readonly emulator: string | undefined;
}

/** `privnet`: without it, a container that has no interface would have the host's. */
function skeleton({ uuid, nativeName }: MachineDefinition, { architecture, emulator }: Base): XmlElement {
  return element(
    'domain',
    { type: 'lxc' },
    element('name', {}, nativeName),
    element('uuid', {}, uuid),
    element('os', {}, element('type', { arch: architecture }, 'exe')),
    element('features', {}, element('privnet')),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    element('devices', {}, emulator === undefined ? undefined : element('emulator', {}, emulator)),
  );
}
