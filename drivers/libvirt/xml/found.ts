import type { Found, MachineShape } from '#drivers/driver.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { isCdrom } from './cdrom.js';
import { diskName } from './disk.js';
import { withFoundNames } from './found-names.js';
import { interfaceName } from './interface.js';

/** Devices that a guest may need and no definition of ours speaks of. */
const unspoken = new Set([
  'filesystem',
  'hostdev',
  'memory',
  'panic',
  'redirdev',
  'shmem',
  'smartcard',
  'sound',
  'video',
  'vsock',
  'watchdog',
]);

/** What a definition of ours never says of a whole machine. */
const settings = ['blkiotune', 'commandline', 'cputune', 'iothreads', 'launchSecurity', 'memoryBacking', 'memtune', 'numatune', 'sysinfo'];

/** What a domain that others made would be taken as. */
export function foundIn(domain: XmlElement, readShape: (named: XmlElement) => MachineShape): Found {
  const named = withFoundNames(domain, readShape);
  return { shape: readShape(named), kept: [...keptDevices(child(named, 'devices')), ...keptSettings(domain)] };
}

const keptSettings = ({ children }: XmlElement): readonly string[] =>
  settings.filter((name) => children.some((each) => each.kind === 'element' && (each.name === name || each.name.endsWith(`:${name}`))));

function keptDevices(devices: XmlElement | undefined): readonly string[] {
  return elements(devices).flatMap((device) => {
    if (device.name === 'disk') return diskName(device) === undefined ? [`${isCdrom(device) ? 'cdrom' : 'disk'} ${placeOf(device)}`] : [];
    if (device.name === 'interface') return interfaceName(device) === undefined ? [`interface ${placeOf(device)}`] : [];
    if (device.name === 'graphics') return attribute(device, 'type') === 'vnc' ? [] : [`graphics ${attribute(device, 'type')}`];
    return unspoken.has(device.name) ? [device.name] : [];
  });
}

/** By what people know it. */
function placeOf(device: XmlElement): string {
  const source = child(device, 'source');
  const mac = attribute(child(device, 'mac'), 'address');
  const at = source?.attributes.find(({ name }) => ['file', 'dev', 'bridge', 'network', 'name'].includes(name))?.value;
  return [attribute(child(device, 'target'), 'dev'), mac, at === undefined ? undefined : `(${at})`].filter(Boolean).join(' ');
}
