import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { CimClass } from './class.js';
import type { CimObject, Values } from './object.js';
import { problems } from './problem.js';

/** An object that came as CIM-XML. @throws Problem */
export function parseEmbedded(text: string): CimObject {
  const instance = parsed(text);
  const className = attribute(instance, 'CLASSNAME');
  if (instance.name !== 'INSTANCE' || className === undefined) throw problems.invalid('no instance in CIM-XML');
  const values = elements(instance).flatMap((each) => {
    const value = valueIn(each);
    return value === undefined ? [] : [[attribute(each, 'NAME') ?? '', value] as const];
  });
  return { className, values: Object.fromEntries(values) };
}

function valueIn(property: XmlElement): string | readonly string[] | undefined {
  const texts = (of: XmlElement | undefined) => elements(of, 'VALUE').map((value) => textOf(value) ?? '');
  if (property.name !== 'PROPERTY.ARRAY') return texts(property)[0];
  const array = child(property, 'VALUE.ARRAY');
  return array === undefined ? undefined : texts(array);
}

function parsed(text: string): XmlElement {
  try {
    return parseXml(text, 'an embedded instance', { length: 2 ** 20, depth: 20, nodes: 20_000 });
  } catch (reason) {
    throw problems.invalid(reason instanceof Error ? reason.message : String(reason));
  }
}

/** The other way. Without its class, everything is a string. */
export function renderEmbedded(className: string, values: Values, cimClass?: CimClass): string {
  const typeOf = (name: string) => cimClass?.properties.find((each) => each.name === name)?.type ?? 'string';
  const children = Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const each = [value].flat().map((text) => element('VALUE', {}, text));
    if (typeof value === 'string') return [element('PROPERTY', { NAME: name, TYPE: typeOf(name) }, ...each)];
    return [element('PROPERTY.ARRAY', { NAME: name, TYPE: typeOf(name) }, element('VALUE.ARRAY', {}, ...each))];
  });
  return serializeXml(element('INSTANCE', { CLASSNAME: className }, ...children));
}
