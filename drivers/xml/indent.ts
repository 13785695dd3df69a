import type { XmlElement, XmlNode } from './tree.js';

/** For people: each element that holds nothing but elements has them on lines of their own. Text is left as it is. */
export function indented(of: XmlElement, depth = 0): XmlElement {
  const parts = of.children.filter((node) => node.kind !== 'text' || node.text.trim() !== '');
  if (parts.length === 0 || parts.some(({ kind }) => kind === 'text')) return of;
  const line = (level: number): XmlNode => ({ kind: 'text', text: `\n${'  '.repeat(level)}` });
  const children = parts.flatMap((node) => [line(depth + 1), node.kind === 'element' ? indented(node, depth + 1) : node]);
  return { ...of, children: [...children, line(depth)] };
}
