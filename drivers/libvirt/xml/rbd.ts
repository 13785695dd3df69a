import { DriverError } from '#drivers/error.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';

// An image of a Ceph pool is no path of the host's: QEMU asks the monitors for it itself. All that it needs for that is said by the location,
// rbd://user:secret@monitor,monitor:port/pool/image, where the secret is the uuid of one of the host's.

interface RbdImage {
  readonly monitors: readonly string[];
  readonly pool: string;
  readonly image: string;
  readonly auth?: { readonly username: string; readonly secret: string };
}

/** Ceph writes its keys down in base64, which libvirt does again with what it is given. What is no key is not told. */
export function readCephKey(written: string): Buffer {
  const text = written.trim();
  const key = Buffer.from(text, 'base64');
  if (key.length > 0 && key.toString('base64') === text) return key;
  throw new DriverError(
    'CredentialsMissing',
    'credentials: "password" is no key of Ceph; accepted: base64, as `ceph auth get-key` prints it',
  );
}

export function monitorElement(monitor: string): XmlElement {
  const [name = '', port] = monitor.split(':');
  return element('host', { name, ...(port === undefined ? {} : { port }) });
}

export const readMonitors = (source: XmlElement | undefined): readonly string[] =>
  elements(source, 'host').flatMap((host) => {
    const [name, port] = [attribute(host, 'name'), attribute(host, 'port')];
    return name === undefined ? [] : [port === undefined ? name : `${name}:${port}`];
  });

function readAuth(source: XmlElement | undefined): Pick<RbdImage, 'auth'> {
  const auth = child(source, 'auth');
  const [username, secret] = [attribute(auth, 'username'), attribute(child(auth, 'secret'), 'uuid')];
  return username === undefined || secret === undefined ? {} : { auth: { username, secret: secret.toLowerCase() } };
}

function printLocation({ monitors, pool, image, auth }: RbdImage): string {
  const user = auth === undefined ? '' : `${encodeURIComponent(auth.username)}:${auth.secret}@`;
  return `rbd://${user}${monitors.join(',')}/${encodeURIComponent(pool)}/${encodeURIComponent(image)}`;
}

/** Undefined for what is no such location, or one that would not be read back as it is written. */
export function parseLocation(location: string): RbdImage | undefined {
  const found = /^rbd:\/\/(?:([^:@/]+):([0-9a-f-]{36})@)?([A-Za-z0-9.,:-]+)\/([^/]+)\/([^/]+)$/.exec(location);
  const [, user, secret, monitors = '', pool = '', image = ''] = found ?? [];
  try {
    const auth = user === undefined || secret === undefined ? {} : { auth: { username: decodeURIComponent(user), secret } };
    const read = { monitors: monitors.split(','), pool: decodeURIComponent(pool), image: decodeURIComponent(image), ...auth };
    return printLocation(read) === location ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Where an image of that pool is. Undefined in a pool of another hand's that names its secret, or Ceph's namespace, in a way that we do not. */
export function imageLocation(pool: XmlElement, image: string): string | undefined {
  const source = child(pool, 'source');
  const [name, monitors] = [textOf(child(source, 'name')), readMonitors(source)];
  const auth = readAuth(source);
  const isOdd = child(source, 'auth') !== undefined && auth.auth === undefined;
  if (name === undefined || isOdd || `${name}${image}`.includes('/')) return undefined;
  return printLocation({ monitors, pool: name, image, ...auth });
}

export function rbdSource({ monitors, pool, image, auth }: RbdImage): XmlElement {
  const secret = auth && element('auth', { username: auth.username }, element('secret', { type: 'ceph', uuid: auth.secret }));
  return element('source', { protocol: 'rbd', name: `${pool}/${image}` }, ...monitors.map(monitorElement), secret);
}

/** Undefined for a source of another kind, and for an image that is meant otherwise than we would. */
export function rbdLocation(source: XmlElement | undefined): string | undefined {
  const [pool, image, ...more] = attribute(source, 'name')?.split('/') ?? [];
  if (attribute(source, 'protocol') !== 'rbd' || pool === undefined || image === undefined || more.length > 0) return undefined;
  return printLocation({ monitors: readMonitors(source), pool, image, ...readAuth(source) });
}
