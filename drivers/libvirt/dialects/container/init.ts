import { withChild, withText } from '#drivers/xml/edit.js';
import { child, element, elements, isElement, textOf, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** What runs first, and its arguments. Undefined when the host chooses it. */
export function readInit(os: XmlElement | undefined): readonly [string, ...string[]] | undefined {
  const init = textOf(child(os, 'init'));
  return init === undefined ? undefined : [init, ...elements(os, 'initarg').map((argument) => textOf(argument) ?? '')];
}

/** Its environment, user and folder, where somebody set them, stay. */
export function withInit(os: XmlElement, [program, ...words]: readonly [string, ...string[]]): XmlElement {
  if (JSON.stringify(readInit(os)) === JSON.stringify([program, ...words])) return os;
  const named = withChild(os, element('init'), (init) => withText(init, program));
  const children: readonly XmlNode[] = named.children.filter((node) => !isElement(node, 'initarg'));
  const at = children.findIndex((node: XmlNode) => isElement(node, 'init')) + 1;
  return { ...named, children: children.toSpliced(at, 0, ...words.map((word) => element('initarg', {}, word))) };
}
