import { elementNS, type XmlElement } from '#drivers/xml/tree.js';
import type { Reference } from './instance.js';
import { encodeReference } from './request.js';

/** What a method is given; absent ones are left out. A list is the element repeated. Embedded objects are texts (`embedded.ts`). */
export type Parameter = string | number | boolean | Reference;
export type Parameters = Readonly<Record<string, Parameter | readonly Parameter[] | undefined>>;

/** `<p:DefineSystem_INPUT>` with one child a value. */
export function encodeInput(name: string, namespace: string, parameters: Parameters): XmlElement {
  const children = Object.entries(parameters).flatMap(([parameter, given]) =>
    (given === undefined ? [] : [given].flat()).map((value) => encodeParameter(parameter, namespace, value)),
  );
  return elementNS(namespace, `p:${name}`, {}, ...children);
}

function encodeParameter(name: string, namespace: string, value: Parameter): XmlElement {
  if (typeof value === 'object') return elementNS(namespace, `p:${name}`, {}, ...encodeReference(value));
  return elementNS(namespace, `p:${name}`, {}, String(value));
}
