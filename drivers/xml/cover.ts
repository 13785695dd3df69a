import type { XmlAttribute, XmlElement, XmlNode } from './tree.js';

const covered = '***';
const secretName = /passw(or)?d|secret$/i;
/** Within a command line that others have written: `password=…`, up to where the next word begins. */
const secretWord = /\b([\w-]*(?:passw(?:or)?d|secret))=[^,&\s]+/gi;

/**
 * The tree without passwords: in attributes and elements that are called so, in options whose key is, and in words of command lines. What a host
 * keeps elsewhere and only refers to is no secret.
 */
export function coverSecrets(of: XmlElement): XmlElement {
  const isOption = of.children.some((node) => node.kind === 'element' && node.name === 'key' && secretName.test(textIn(node)));
  const children = of.children.map((node) => coverNode(node, secretName.test(of.name) || false, isOption));
  return { ...of, attributes: of.attributes.map(coverAttribute), children };
}

function coverNode(node: XmlNode, within: boolean, isOption: boolean): XmlNode {
  if (node.kind === 'text')
    return within && node.text.trim() !== '' ? { ...node, text: covered } : { ...node, text: coverWords(node.text) };
  if (node.kind !== 'element') return { ...node, text: coverWords(node.text) };
  if (isOption && node.name === 'value') return { ...node, children: [{ kind: 'text', text: covered }] };
  return coverSecrets(node);
}

const coverAttribute = (one: XmlAttribute): XmlAttribute => ({
  ...one,
  value: secretName.test(one.name) ? covered : coverWords(one.value),
});

const coverWords = (text: string): string => text.replace(secretWord, `$1=${covered}`);

const textIn = ({ children }: XmlElement): string => children.map((node) => (node.kind === 'text' ? node.text : '')).join('');
