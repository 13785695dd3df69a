import { DriverError } from '#drivers/error.js';

/** A libvirt daemon on this host, and which of its drivers to open. */
export interface LibvirtUri {
  readonly driver: Driver;
  /** What the daemon is told: the URI as it would be given on its own host, e.g. `qemu:///system`. */
  readonly name: string;
  /** Where the daemon may listen, the likeliest first. */
  readonly socketPaths: readonly [string, ...string[]];
}

type Driver = keyof typeof drivers;

/** The one path of each driver that a daemon serves, and the daemon that serves nothing else. */
const drivers = {
  qemu: { path: '/system', daemon: 'virtqemud' },
  lxc: { path: '/system', daemon: 'virtlxcd' },
  xen: { path: '/system', daemon: 'virtxend' },
  // Any other path is a file on the daemon's host that describes what the driver pretends to have.
  test: { path: '/default', daemon: 'libvirtd' },
} as const;

const accepted =
  'qemu:///system, lxc:///system, xen:///system, test:///default, each also as e.g. qemu+unix:///system?socket=/path/of/socket';

export function parseLibvirtUri(text: string): LibvirtUri {
  const url = URL.canParse(text) ? new URL(text) : refuse(text, 'it is no URI');
  const driver = parseScheme(text, url);
  if (url.host !== '' || url.username !== '')
    refuse(text, `host ${JSON.stringify(url.host)} is not this one, and only a socket on this host can be reached`);
  if (!pathIsServed(driver, url.pathname)) refuse(text, `path ${JSON.stringify(url.pathname)} is not served`);
  if (url.hash !== '') refuse(text, `nothing may follow "#"`);
  return { driver, name: `${driver}://${url.pathname}`, socketPaths: parseSocket(text, url) ?? defaultSockets(driver) };
}

function parseScheme(text: string, url: URL): Driver {
  const [driver = '', ...transports] = url.protocol.slice(0, -1).split('+');
  const transport = transports.length === 0 ? 'unix' : transports.join('+');
  if (!Object.hasOwn(drivers, driver)) refuse(text, `driver ${JSON.stringify(driver)} is not known`);
  if (transport !== 'unix') refuse(text, `transport ${JSON.stringify(transport)} is not known`);
  return driver as Driver;
}

function pathIsServed(driver: Driver, path: string): boolean {
  return driver === 'test' ? path.length > 1 : path === drivers[driver].path;
}

function parseSocket(text: string, url: URL): readonly [string] | undefined {
  // A plus sign in a path is a plus sign.
  const parameters = [...new URLSearchParams(url.search.replaceAll('+', '%2B'))];
  for (const [name, value] of parameters) {
    if (name !== 'socket') refuse(text, `parameter ${JSON.stringify(name)} is not known`);
    if (!value.startsWith('/')) refuse(text, `socket ${JSON.stringify(value)} is no absolute path`);
  }
  const [socket, second] = parameters;
  if (second !== undefined) refuse(text, 'more than one socket is given');
  return socket === undefined ? undefined : [socket[1]];
}

function defaultSockets(driver: Driver): readonly [string, ...string[]] {
  return [
    '/run/libvirt/libvirt-sock',
    '/var/run/libvirt/libvirt-sock',
    `/run/libvirt/${drivers[driver].daemon}-sock`,
    `/var/run/libvirt/${drivers[driver].daemon}-sock`,
  ];
}

function refuse(text: string, why: string): never {
  throw new DriverError('Invalid', `uri ${JSON.stringify(text)}: ${why}; accepted: ${accepted}`);
}
