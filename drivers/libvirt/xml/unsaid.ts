import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { isCdrom } from './cdrom.js';
import { diskName } from './disk.js';
import { interfaceName } from './interface.js';

/** What of a domain that others made no definition of ours says. */
export interface Unsaid {
  /** For people: what stays beside it as it is. */
  readonly kept: readonly string[];
  /** Why it cannot be taken with that. */
  readonly hindrance?: string;
}

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

/** Of a domain whose devices carry the names that they are to have. */
export const keptIn = (named: XmlElement): readonly string[] => [...keptDevices(child(named, 'devices')), ...keptSettings(named)];

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
