import { append, insertAfterLast, mapChildren, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** A serial port that we can open as a console. */
function isSerial(node: XmlNode): boolean {
  return isElement(node, 'serial') && attribute(node, 'type') === 'pty';
}

function isSerialConsole(node: XmlNode): boolean {
  return isElement(node, 'console') && (attribute(child(node, 'target'), 'type') ?? 'serial') === 'serial';
}

export function hasSerial(devices: XmlElement | undefined): boolean {
  return devices?.children.some(isSerial) ?? false;
}

/** Ours are told by their name. */
const isOurLog = (file: string | undefined): file is string => file?.endsWith('.console') === true;

const logOf = (serial: XmlNode | undefined): string | undefined =>
  serial !== undefined && isElement(serial, 'serial') ? attribute(child(serial, 'log'), 'file') : undefined;

/** Of the port that is opened as the console: the first. */
export function readSerialLog(devices: XmlElement | undefined): string | undefined {
  const file = logOf(devices?.children.find(isSerial));
  return isOurLog(file) ? file : undefined;
}

/** A log that others set stays as it is. */
export function withSerialLog(devices: XmlElement, wanted: string | undefined): XmlElement {
  const port = devices.children.find(isSerial);
  const has = logOf(port);
  if (port === undefined || has === wanted || (has !== undefined && !isOurLog(has))) return devices;
  const bare = withoutChildren(port as XmlElement, (each) => isElement(each, 'log'));
  const log = element('log', { file: wanted, append: 'off' });
  const logging =
    wanted === undefined ? bare : insertAfterLast(bare, (each) => isElement(each, 'source') || isElement(each, 'protocol'), log);
  return mapChildren(devices, (each) => (each === port ? logging : each));
}

/** The console is the serial port's other name; left behind, it would bring the port back. */
export function withSerial(devices: XmlElement, wanted: boolean): XmlElement {
  if (hasSerial(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, (each) => isSerial(each) || isSerialConsole(each));
  const port = elements(devices, 'serial').length;
  const target = (type: string | undefined) => element('target', { type, port: `${port}` });
  const console = elements(devices, 'console').length === 0 ? [element('console', { type: 'pty' }, target('serial'))] : [];
  return append(devices, element('serial', { type: 'pty' }, target(undefined)), ...console);
}
