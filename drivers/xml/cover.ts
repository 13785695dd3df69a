import type { XmlAttribute, XmlElement, XmlNode } from './tree.js';

const covered = '***';
/** How names of secrets end, wherever they stand. */
const ending = '(?:passw(?:or)?d|secret|token|credentials?|api[_-]?key)';
const secretName = new RegExp(`passw(or)?d|${ending}$`, 'i');
/** Within a command line that others have written: `password=…`, up to where the next word begins. QEMU writes a comma within a word twice. */
const secretWord = new RegExp(`\\b([\\w-]*${ending})=(?:,,|[^,&\\s])+`, 'gi');
/** The same where a word is JSON. */
const secretMember = new RegExp(`("[\\w-]*${ending}"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi');
/** QEMU's object that is a secret has it as its data, in either way of saying so. */
const secretObject = /^\s*(?:-object[\s=]+)?(?:qom-type=)?secret,|"qom-type"\s*:\s*"secret"/;
const secretData = /(\bdata=)(?:,,|[^,\s])*|("data"\s*:\s*)"(?:[^"\\]|\\.)*"/g;

/**
 * The tree without passwords: in attributes, elements and variables that are called so, in options whose key is, and in words of command lines. What a host
 * keeps elsewhere and only refers to is no secret.
 */
export function coverSecrets(of: XmlElement): XmlElement {
  const isOption = of.children.some((node) => node.kind === 'element' && node.name === 'key' && secretName.test(textIn(node)));
  const children = of.children.map((node) => coverNode(node, secretName.test(of.name) || false, isOption));
  return { ...of, attributes: of.attributes.map((one) => coverAttribute(one, isNamed(of))), children };
}

/** A variable, or a property, that is called so: `<env name='X_PASSWORD' value='…'/>`. */
const isNamed = ({ attributes }: XmlElement): boolean => attributes.some(({ name, value }) => name === 'name' && secretName.test(value));

function coverNode(node: XmlNode, within: boolean, isOption: boolean): XmlNode {
  if (node.kind === 'text')
    return within && node.text.trim() !== '' ? { ...node, text: covered } : { ...node, text: coverWords(node.text) };
  if (node.kind !== 'element') return { ...node, text: coverWords(node.text) };
  if (isOption && node.name === 'value') return { ...node, children: [{ kind: 'text', text: covered }] };
  return coverSecrets(node);
}

const coverAttribute = (one: XmlAttribute, named: boolean): XmlAttribute => ({
  ...one,
  value: secretName.test(one.name) || (named && one.name === 'value') ? covered : coverWords(one.value),
});

function coverWords(text: string): string {
  const words = text.replace(secretWord, `$1=${covered}`).replace(secretMember, `$1"${covered}"`);
  return secretObject.test(words)
    ? words.replace(secretData, (_, word = '', member = '') => (member ? `${member}"${covered}"` : word + covered))
    : words;
}

const textIn = ({ children }: XmlElement): string => children.map((node) => (node.kind === 'text' ? node.text : '')).join('');
