import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { nonsense } from './nonsense.js';

export type CimType =
  | 'boolean'
  | 'string'
  | 'datetime'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'sint8'
  | 'sint16'
  | 'sint32'
  | 'sint64';

/** A property of an object that is sent as a text. */
export interface CimProperty {
  readonly name: string;
  readonly type: CimType;
  readonly isArray: boolean;
  readonly values: readonly string[];
}

/** An object as CIM-XML (DSP0201), which is how one is given to a method. */
export function encodeEmbedded(className: string, properties: readonly CimProperty[]): string {
  const children = properties.map(({ name, type, isArray, values }) => {
    const each = values.map((value) => element('VALUE', {}, value));
    if (isArray) return element('PROPERTY.ARRAY', { NAME: name, TYPE: type }, element('VALUE.ARRAY', {}, ...each));
    return element('PROPERTY', { NAME: name, TYPE: type }, each[0]);
  });
  return serializeXml(element('INSTANCE', { CLASSNAME: className }, ...children));
}

/** @throws DriverError Internal */
export function decodeEmbedded(text: string): { readonly className: string; readonly properties: ReadonlyMap<string, readonly string[]> } {
  const instance = parsed(text);
  const className = attribute(instance, 'CLASSNAME');
  if (className === undefined) throw nonsense(`<${instance.name}> is no embedded object`);
  return { className, properties: new Map(elements(instance).map((each) => [attribute(each, 'NAME') ?? '', valuesOf(each)])) };
}

function valuesOf(property: XmlElement): readonly string[] {
  const within = property.name === 'PROPERTY.ARRAY' ? child(property, 'VALUE.ARRAY') : property;
  return elements(within, 'VALUE').map((value) => textOf(value) ?? '');
}

function parsed(text: string): XmlElement {
  try {
    return parseXml(text, 'an embedded object', { length: 2 ** 20, depth: 20, nodes: 20_000 });
  } catch (reason) {
    throw nonsense(String(reason), reason);
  }
}
