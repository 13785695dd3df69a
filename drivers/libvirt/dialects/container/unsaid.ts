import { attribute, child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { interfaceName } from '../../xml/interface.js';
import { readMaxMemory, readMemory } from '../../xml/sizes.js';
import { sizeOf, wholeNumber } from '../../xml/units.js';
import { keptIn, type Unsaid } from '../../xml/unsaid.js';
import { readInit } from './init.js';
import { keepsMounts } from './mount-guard.js';
import { isStraight, readMounts, readRoot } from './root.js';
import { usersIn } from './uid-map.js';

/** What a container of others has that no definition of ours says: what stays beside it, or why it is left alone as a whole. */
export function unsaidOfContainer(named: XmlElement): Unsaid {
  const hindrance = filesHindrance(named) ?? usersHindrance(named) ?? memoryHindrance(named);
  return { kept: keptOf(named), ...(hindrance === undefined ? {} : { hindrance }) };
}

const filesystems = (domain: XmlElement): readonly XmlElement[] => elements(child(domain, 'devices'), 'filesystem');
const pathOf = (filesystem: XmlElement): string => attribute(child(filesystem, 'target'), 'dir') ?? '';
const typeOf = (filesystem: XmlElement): string => attribute(filesystem, 'type') ?? 'mount';

/** What is no directory of the host, nor made anew at each start. */
const holdsFiles = (filesystem: XmlElement): boolean => !['mount', 'ram', 'bind'].includes(typeOf(filesystem));

function filesHindrance(domain: XmlElement): string | undefined {
  const root = readRoot(child(domain, 'devices'));
  if (root === undefined) return 'its root is no directory of the host (filesystem "/"); accepted: type mount';
  if (root === '/') return 'its root is the host’s own (filesystem "/"); accepted: a directory of its own';
  if (readInit(child(domain, 'os')) === undefined) return 'nothing says what runs first in it (os/init)';
  const image = filesystems(domain).find(holdsFiles);
  if (image !== undefined) return `filesystem "${pathOf(image)}" is a ${typeOf(image)}; accepted: a directory of the host`;
  return mountsHindrance(domain, root);
}

function mountsHindrance(domain: XmlElement, root: string): string | undefined {
  const mounts = readMounts(child(domain, 'devices'));
  const paths = ['/', ...mounts.map(({ path }) => path)];
  const twice = filesystems(domain).filter((each) => typeOf(each) === 'mount' && pathOf(each) === '/').length > 1 ? '/' : undefined;
  const same = twice ?? paths.find((path, at) => paths.indexOf(path) !== at);
  if (same !== undefined) return `filesystem "${same}" is there twice`;
  const bent = [root, ...mounts.flatMap(({ path, location }) => [path, location])].find((path) => !isStraight(path));
  if (bent !== undefined) return `${bent} goes no straight way down; accepted: a path without "." and "..", and no "/" at its end`;
  const readOnly = filesystems(domain).find((each) => typeOf(each) === 'mount' && child(each, 'readonly') !== undefined);
  if (readOnly === undefined) return undefined;
  if (pathOf(readOnly) === '/') return 'its root is only to be read (readonly), which no field says';
  if (keepsMounts(domain)) return undefined;
  return `filesystem "${pathOf(readOnly)}" is only to be read, and who is root in it can mount it anew; take that from it (features/capabilities: <sys_admin state='off'/>), or let it be written`;
}

function usersHindrance(domain: XmlElement): string | undefined {
  if (usersIn(domain) !== 'OfTheHost') return undefined;
  return 'its users may be somebody on the host (idmap); accepted: no idmap, or users and groups from 65536 on, outside those that Virtwright gives';
}

/** Of what is said to be its memory now, LXC takes no notice at a start: it has what its limit says, or all that it may ever have. */
function memoryHindrance(domain: XmlElement): string | undefined {
  const [said, most] = [readMemory(domain), readMaxMemory(domain)];
  const starts = sizeOf(child(domain, 'memtune', 'hard_limit'), 'KiB') ?? most;
  if (said === starts) return undefined;
  return `it starts with ${starts} bytes of memory, and is said to have ${said} (memory, currentMemory, memtune/hard_limit); make them one`;
}

function keptOf(named: XmlElement): readonly string[] {
  const plain = keptIn(named).filter((one) => !['filesystem', 'cputune', 'memtune'].includes(one));
  return [
    ...plain,
    ...filesystems(named)
      .filter((each) => typeOf(each) !== 'mount')
      .map((each) => `filesystem ${pathOf(each)} (${typeOf(each)})`),
    ...elements(child(named, 'devices'), 'interface').flatMap(wiringOf),
    ...timeOf(child(named, 'cputune')),
    ...onlyHas(child(named, 'memtune'), ['hard_limit'], 'memtune'),
    ...elements(child(named, 'os'))
      .map(({ name }) => name)
      .filter((name) => ['initenv', 'initdir', 'inituser', 'initgroup'].includes(name)),
    ...(usersIn(named) === 'OfOthers' ? ['idmap'] : []),
    ...onlyHas(child(named, 'features', 'capabilities'), guardOf(named), 'capabilities'),
    ...(sharesNetwork(named) ? ['the host’s network'] : []),
    ...(named.children.some(isNamespace) ? ['namespace'] : []),
  ];
}

const onlyHas = (within: XmlElement | undefined, names: readonly string[], what: string): readonly string[] =>
  elements(within).some(({ name }) => !names.includes(name)) || (attribute(within, 'policy') ?? 'default') !== 'default' ? [what] : [];

/** Ours where something is only to be read; else somebody's wish. */
const guardOf = (domain: XmlElement): readonly string[] =>
  readMounts(child(domain, 'devices')).some(({ readOnly }) => readOnly === true) ? ['sys_admin'] : [];

/** What an interface of a network has that only its place in this definition says. */
function wiringOf(card: XmlElement): readonly string[] {
  const name = interfaceName(card);
  const said = ['source', 'mac', 'alias', 'target', 'address'];
  const others = [...new Set(elements(card).map((each) => each.name))].filter((each) => !said.includes(each));
  return name === undefined || others.length === 0 ? [] : [`${others.join(' and ')} of interface ${name}`];
}

/** A container without a quota may use all CPUs, whatever count is said. */
function timeOf(tune: XmlElement | undefined): readonly string[] {
  const [period, quota] = ['period', 'quota'].map((name) => wholeNumber(textOf(child(tune, name))));
  if (quota === undefined) return ['time of all CPUs', ...onlyHas(tune, ['period', 'quota'], 'cputune')];
  const isWhole = period !== undefined && period > 0 && quota >= period && quota % period === 0;
  return isWhole ? onlyHas(tune, ['period', 'quota'], 'cputune') : ['cputune'];
}

function sharesNetwork(domain: XmlElement): boolean {
  const devices = child(domain, 'devices');
  const hasOwn = child(domain, 'features', 'privnet') !== undefined || child(devices, 'interface') !== undefined;
  return !hasOwn && !elements(devices, 'hostdev').some((each) => attribute(each, 'type') === 'net');
}

const isNamespace = (node: XmlElement['children'][number]): boolean => node.kind === 'element' && node.name.endsWith(':namespace');
