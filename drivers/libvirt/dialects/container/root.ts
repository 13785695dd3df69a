import type { ContainerMount } from '#drivers/driver.js';
import { insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';

/** One of the host's directories, and where the container has it. */
type Directory = ContainerMount;

const rootPath = '/';

/** As the API has paths: whoever reads one knows where it leads. */
export const isStraight = (path: string): boolean => /^(\/[^/\p{Cc}]+)+$/u.test(path) && !/\/\.{1,2}(\/|$)/.test(path);

/** The directory that a container has as its root; undefined when it has another kind of root, or the host's own. */
export const readRoot = (devices: XmlElement | undefined): string | undefined =>
  readDirectories(devices).find(({ path }) => path === rootPath)?.location;

/** What it has beside its root, in the host's order. */
export const readMounts = (devices: XmlElement | undefined): readonly ContainerMount[] =>
  readDirectories(devices).filter(({ path }) => path !== rootPath);

/** Where else files of its are, which others gave it as disks. */
export const readImages = (devices: XmlElement | undefined): readonly string[] =>
  elements(devices, 'filesystem').flatMap((each) => {
    const source = child(each, 'source');
    return attribute(source, 'file') ?? attribute(source, 'dev') ?? [];
  });

/** Exactly these directories; filesystems of another kind, as one in memory, are somebody else's and stay. */
export function withDirectories(devices: XmlElement, root: string, mounts: readonly ContainerMount[]): XmlElement {
  const wanted: readonly Directory[] = [{ path: rootPath, location: root }, ...mounts];
  const kept = withoutChildren(devices, (each) => {
    const has = readDirectory(each);
    return has !== undefined && !wanted.some(({ path }) => path === has.path);
  });
  return wanted.reduce(withDirectory, kept);
}

function withDirectory(devices: XmlElement, wanted: Directory): XmlElement {
  const found = elements(devices, 'filesystem').find((each) => readDirectory(each)?.path === wanted.path);
  if (found === undefined) return insertAfterLast(devices, (each) => isElement(each, 'filesystem'), newDirectory(wanted));
  return mapChildren(devices, (each) => (each === found ? edited(found, wanted) : each));
}

const newDirectory = ({ path, location, readOnly }: Directory): XmlElement =>
  element(
    'filesystem',
    { type: 'mount', accessmode: 'passthrough' },
    element('source', { dir: location }),
    element('target', { dir: path }),
    readOnly === true ? element('readonly') : undefined,
  );

function edited(found: XmlElement, { location, readOnly: asked }: Directory): XmlElement {
  const readOnly = asked === true;
  const located = withChild(found, element('source'), (source) => withAttribute(source, 'dir', location));
  if ((child(located, 'readonly') !== undefined) === readOnly) return located;
  return withChild(located, element('readonly'), (each) => (readOnly ? each : undefined));
}

const readDirectories = (devices: XmlElement | undefined): readonly Directory[] =>
  elements(devices, 'filesystem').flatMap((each) => readDirectory(each) ?? []);

function readDirectory(each: XmlElement): Directory | undefined {
  const [location, path] = [attribute(child(each, 'source'), 'dir'), attribute(child(each, 'target'), 'dir')];
  if (!isElement(each, 'filesystem') || (attribute(each, 'type') ?? 'mount') !== 'mount') return undefined;
  if (location === undefined || path === undefined) return undefined;
  return { path, location, ...(child(each, 'readonly') === undefined ? {} : { readOnly: true }) };
}
