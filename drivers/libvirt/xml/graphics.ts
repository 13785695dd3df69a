import type { MachineGraphics } from '#drivers/driver.js';
import { meaningOf } from '#drivers/words.js';
import { append, mapChildren, withAttribute, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';
import { wholeNumber } from './units.js';
import { type GraphicsWords, vgaGraphics } from './words.js';

/** Aliases are one set for all devices of a machine: no disk's name begins so. */
export const graphicsPrefix = 'graphics_';
const aliasPrefix = `ua-${graphicsPrefix}`;

/** What a screen of QEMU's is, where nobody said what. */
export const bestVideo = 'vga';

const videos: Readonly<Record<string, string>> = {
  vga: 'VGA',
  virtio: 'Virtio',
  qxl: 'QXL',
  cirrus: 'Cirrus',
  bochs: 'Bochs',
  vmvga: 'VMVGA',
};

const isVnc = (node: XmlNode): node is XmlElement => isElement(node, 'graphics') && attribute(node, 'type') === 'vnc';

/** What we put beside a server, for it to have something to show and to be pointed at. */
const isCompanion = (each: XmlElement): boolean => attribute(child(each, 'alias'), 'name')?.startsWith(aliasPrefix) === true;

const serverIn = (devices: XmlElement | undefined): XmlElement | undefined => devices?.children.find(isVnc);

export function readGraphics(devices: XmlElement | undefined): MachineGraphics | undefined {
  const server = serverIn(devices);
  if (server === undefined) return undefined;
  const password = attribute(server, 'passwd');
  return { type: 'VNC', ...(password === undefined ? {} : { password }) };
}

/** The model of what is shown, in our words or else in libvirt's. */
export function readVideo(devices: XmlElement | undefined): string | undefined {
  const model = attribute(child(devices, 'video', 'model'), 'type');
  return model === undefined || model === 'none' ? undefined : (meaningOf(videos, model) ?? model);
}

/** A video device that is there already is kept, whosesoever. A password that nobody speaks of stays. */
export function withGraphics(devices: XmlElement, wanted: MachineGraphics | undefined, words: GraphicsWords = vgaGraphics): XmlElement {
  const has = readGraphics(devices);
  if (wanted === undefined && has === undefined) return devices;
  if (wanted === undefined) return withoutChildren(devices, (each) => isVnc(each) || isCompanion(each));
  if (has === undefined) return append(devices, newServer(wanted), ...companions(devices, words));
  const { password } = wanted;
  return password === undefined ? devices : mapChildren(devices, (node) => (isVnc(node) ? withAttribute(node, 'passwd', password) : node));
}

const newServer = ({ password }: MachineGraphics): XmlElement =>
  element(
    'graphics',
    { type: 'vnc', port: '-1', autoport: 'yes', passwd: password },
    element('listen', { type: 'address', address: '127.0.0.1' }),
  );

function companions(devices: XmlElement, words: GraphicsWords): readonly XmlElement[] {
  const alias = (name: string) => element('alias', { name: aliasPrefix + name });
  const video = element('video', {}, words.video, alias('video'));
  const tablet = words.tablet ? [element('input', { type: 'tablet', bus: 'usb' }, alias('tablet'))] : [];
  return elements(devices, 'video').length === 0 ? [video, ...tablet] : tablet;
}

/** What runs, with the password that its definition has: libvirt finds a server by all the rest. */
export function withPasswordOf(live: XmlElement, configured: XmlElement): XmlElement | undefined {
  const [running, defined] = [live, configured].map((domain) => serverIn(child(domain, 'devices')));
  return running === undefined || defined === undefined ? undefined : withAttribute(running, 'passwd', attribute(defined, 'passwd'));
}

/** Where a server can be reached on its own host. */
export type ServerPlace =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Of a machine that runs: before, nothing listens. */
export function readServerPlace(domain: XmlElement): ServerPlace | undefined {
  const server = serverIn(child(domain, 'devices'));
  const path = attribute(server, 'socket') ?? attribute(child(server, 'listen'), 'socket');
  if (path !== undefined) return { kind: 'socket', path };
  const port = wholeNumber(attribute(server, 'port'));
  if (port === undefined || port === 0) return undefined;
  const host = attribute(child(server, 'listen'), 'address') ?? attribute(server, 'listen') ?? '127.0.0.1';
  return { kind: 'port', host: meaningOf(anywhere, host) ?? host, port };
}
