import { DriverError } from '#drivers/error.js';

/** A libvirt daemon, and which of its drivers to open. */
export interface LibvirtUri {
  readonly driver: LibvirtDriver;
  /** What the daemon is told: the URI as it would be given on its own host, e.g. `qemu:///system`. */
  readonly name: string;
  readonly place: Place;
}

/** Where the daemon listens. */
export type Place = UnixPlace | TcpPlace | TlsPlace | SshPlace;

export interface UnixPlace {
  readonly kind: 'unix';
  /** The likeliest first. */
  readonly paths: Paths;
}

/** Name or address; one of IPv6 without brackets. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface TcpPlace extends Endpoint {
  readonly kind: 'tcp';
}

export interface TlsPlace extends Endpoint {
  readonly kind: 'tls';
}

export interface SshPlace extends Endpoint {
  readonly kind: 'ssh';
  readonly user: string;
  /** On that host, the likeliest first. */
  readonly paths: Paths;
}

export type Paths = readonly [string, ...string[]];

/** As URIs begin with it. */
export type LibvirtDriver = keyof typeof drivers;

/** The one path of each driver that a daemon serves, and the daemon that serves nothing else. */
const drivers = {
  qemu: { path: '/system', daemon: 'virtqemud' },
  lxc: { path: '/system', daemon: 'virtlxcd' },
  xen: { path: '/system', daemon: 'virtxend' },
  bhyve: { path: '/system', daemon: 'virtbhyved' },
  ch: { path: '/system', daemon: 'virtchd' },
  vbox: { path: '/system', daemon: 'virtvboxd' },
  vz: { path: '/system', daemon: 'virtvzd' },
  // Any other path is a file on the daemon's host that describes what the driver pretends to have.
  test: { path: '/default', daemon: 'libvirtd' },
} as const;

type Transport = Place['kind'];
const transports: readonly Transport[] = ['unix', 'tls', 'ssh', 'tcp'];
const defaultPorts = { tls: 16_514, ssh: 22, tcp: 16_509 } as const;

const accepted =
  'qemu:///system, lxc:///system, xen:///system, bhyve:///system, ch:///system, vbox:///system, vz:///system, test:///default, each also as e.g. qemu+unix:///system?socket=/path/of/socket, qemu+tls://host[:port]/system, qemu+ssh://user@host[:port]/system, qemu+tcp://localhost[:port]/system';

/** Parameters that libvirt's own clients know, and why they are not taken. */
const refusedParameters: Readonly<Record<string, string>> = {
  no_verify: 'the certificate of a host is always verified; the authority that issued it belongs into key "ca.crt" of the Secret',
  known_hosts_verify: 'the key of a host is always verified; it belongs into key "known_hosts" of the Secret',
  known_hosts: 'the keys of hosts come from key "known_hosts" of the Secret',
  keyfile: 'the key to log in with comes from key "ssh-privatekey" of the Secret',
  pkipath: 'certificates come from the Secret: keys "ca.crt", "tls.crt" and "tls.key"',
};

/** @throws DriverError Invalid, which never quotes a user or a password */
export function parseLibvirtUri(text: string): LibvirtUri {
  const url = URL.canParse(text) ? new URL(text) : refuse(text, 'it is no URI');
  const [driver, transport] = parseScheme(text, url);
  if (url.password !== '' || (url.username !== '' && transport !== 'ssh')) refuse(text, 'user and password stand in the Secret, not here');
  if (!pathIsServed(driver, url.pathname)) refuse(text, `path ${JSON.stringify(url.pathname)} is not served`);
  if (url.hash !== '') refuse(text, `nothing may follow "#"`);
  return { driver, name: `${driver}://${url.pathname}`, place: parsePlace(text, url, driver, transport) };
}

/** As libvirt has it, a host without a transport is reached by TLS. */
function parseScheme(text: string, url: URL): readonly [LibvirtDriver, Transport] {
  const [driver = '', ...words] = url.protocol.slice(0, -1).split('+');
  const given = words.length === 0 ? (url.host === '' ? 'unix' : 'tls') : words.join('+');
  if (!Object.hasOwn(drivers, driver)) refuse(text, `driver ${JSON.stringify(driver)} is not known`);
  const transport = transports.find((each) => each === given);
  return [driver as LibvirtDriver, transport ?? refuse(text, `transport ${JSON.stringify(given)} is not known`)];
}

function pathIsServed(driver: LibvirtDriver, path: string): boolean {
  return driver === 'test' ? path.length > 1 : path === drivers[driver].path;
}

function parsePlace(text: string, url: URL, driver: LibvirtDriver, transport: Transport): Place {
  const socket = parseSocket(text, url);
  if (transport === 'unix') {
    if (url.host !== '') refuse(text, `host ${JSON.stringify(url.host)} was given, and a socket on this host is meant`);
    return { kind: 'unix', paths: socket ?? defaultSockets(driver) };
  }
  const endpoint = parseEndpoint(text, url, defaultPorts[transport]);
  if (transport === 'ssh') return { kind: 'ssh', ...endpoint, user: parseUser(text, url), paths: socket ?? defaultSockets(driver) };
  if (socket !== undefined) refuse(text, 'a socket was given, and a port is meant');
  if (transport === 'tcp' && !isLoopback(endpoint.host))
    refuse(text, 'TCP alone keeps nothing secret and is taken to this host only, where a tunnel of your own may begin; use tls');
  return { kind: transport, ...endpoint };
}

function parseEndpoint(text: string, url: URL, defaultPort: number): Endpoint {
  if (url.hostname === '') refuse(text, 'the host is missing');
  if (url.port === '0') refuse(text, 'port 0 was given; accepted: 1 to 65535');
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? defaultPort : Number(url.port) };
}

function parseUser(text: string, url: URL): string {
  if (/^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(url.username)) return url.username;
  return refuse(text, 'the user to log in as is missing, or no plain name: put it before the host');
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

function parseSocket(text: string, url: URL): readonly [string] | undefined {
  // A plus sign in a path is a plus sign.
  const parameters = [...new URLSearchParams(url.search.replaceAll('+', '%2B'))];
  for (const [name, value] of parameters) {
    if (Object.hasOwn(refusedParameters, name)) refuse(text, `parameter ${JSON.stringify(name)}: ${refusedParameters[name]}`);
    if (name !== 'socket') refuse(text, `parameter ${JSON.stringify(name)} is not known`);
    if (!value.startsWith('/')) refuse(text, `socket ${JSON.stringify(value)} is no absolute path`);
  }
  const [socket, second] = parameters;
  if (second !== undefined) refuse(text, 'more than one socket is given');
  return socket === undefined ? undefined : [socket[1]];
}

function defaultSockets(driver: LibvirtDriver): Paths {
  return [
    '/run/libvirt/libvirt-sock',
    '/var/run/libvirt/libvirt-sock',
    `/run/libvirt/${drivers[driver].daemon}-sock`,
    `/var/run/libvirt/${drivers[driver].daemon}-sock`,
  ];
}

function refuse(text: string, why: string): never {
  throw new DriverError('Invalid', `uri ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//'))}: ${why}; accepted: ${accepted}`);
}
