import { DriverError } from '#drivers/error.js';
import { prefixOf, type XmlAttribute, type XmlElement, type XmlNode, xmlNamespaces } from './tree.js';

/** Prefix to URI; the empty prefix is the default namespace. */
type Scope = ReadonlyMap<string, string>;

const outermost: Scope = new Map([
  ['', ''],
  ['xml', xmlNamespaces.xml],
  ['xmlns', xmlNamespaces.xmlns],
]);

/**
 * The tree as XML text without a declaration, white space as the tree has it. Prefixes whose declaration the tree lacks are declared where needed.
 * @throws DriverError Invalid for text that XML 1.0 cannot hold
 */
export function serializeXml(root: XmlElement): string {
  const out: string[] = [];
  writeElement(root, outermost, out);
  return out.join('');
}

function writeNode(node: XmlNode, scope: Scope, out: string[]): void {
  if (node.kind === 'element') writeElement(node, scope, out);
  else if (node.kind === 'text') out.push(escapeText(node.text));
  else out.push(comment(node.text));
}

function writeElement(element: XmlElement, outer: Scope, out: string[]): void {
  const declared = withDeclarations(outer, element.attributes);
  const missing = missingDeclarations(element, declared);
  const scope = withDeclarations(declared, missing);
  out.push('<', element.name);
  for (const { name, value } of [...element.attributes, ...missing]) out.push(' ', name, '="', escapeAttribute(value), '"');
  if (element.children.length === 0) {
    out.push('/>');
    return;
  }
  out.push('>');
  for (const child of element.children) writeNode(child, scope, out);
  out.push('</', element.name, '>');
}

/** The prefix that a declaration (`xmlns`, `xmlns:p`) is about. */
function declaredPrefix(attribute: XmlAttribute): string | undefined {
  if (attribute.name === 'xmlns') return '';
  return prefixOf(attribute) === 'xmlns' ? attribute.name.slice('xmlns:'.length) : undefined;
}

function withDeclarations(scope: Scope, attributes: readonly XmlAttribute[]): Scope {
  const declarations = attributes.flatMap((each) => {
    const prefix = declaredPrefix(each);
    return prefix === undefined ? [] : [[prefix, each.value] as const];
  });
  return declarations.length === 0 ? scope : new Map([...scope, ...declarations]);
}

function missingDeclarations(element: XmlElement, scope: Scope): readonly XmlAttribute[] {
  const prefixed = element.attributes.filter((each) => prefixOf(each) !== '' && declaredPrefix(each) === undefined);
  const missing = new Map<string, string>();
  for (const named of [element, ...prefixed]) {
    const prefix = prefixOf(named);
    if ((missing.get(prefix) ?? scope.get(prefix)) === named.namespace) continue;
    if (missing.has(prefix) || element.attributes.some((each) => declaredPrefix(each) === prefix))
      throw new DriverError('Internal', `<${element.name}>: the prefix "${prefix}" stands for two namespaces at once`);
    missing.set(prefix, named.namespace);
  }
  return [...missing].map(([prefix, value]) => ({
    name: prefix === '' ? 'xmlns' : `xmlns:${prefix}`,
    namespace: xmlNamespaces.xmlns,
    value,
  }));
}

// What a parser would read back as something else: white space in attributes becomes spaces, a carriage return a line feed.
const textEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
const attributeEscapes: Readonly<Record<string, string>> = { ...textEscapes, '"': '&quot;', '\t': '&#9;', '\n': '&#10;' };

function escapeText(text: string): string {
  return representable(text).replace(/[&<>\r]/g, (char) => textEscapes[char] ?? char);
}

function escapeAttribute(value: string): string {
  return representable(value).replace(/[&<>\r"\t\n]/g, (char) => attributeEscapes[char] ?? char);
}

function comment(text: string): string {
  if (text.includes('--') || text.endsWith('-') || text.includes('\r'))
    throw new DriverError('Invalid', 'a comment in XML cannot contain "--", end in "-", or hold a carriage return');
  return `<!--${representable(text)}-->`;
}

// Everything but the characters of XML 1.0; with the u flag a lone surrogate is matched and a pair is one character.
const unrepresentable = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

function representable(text: string): string {
  const found = unrepresentable.exec(text);
  if (found !== null)
    throw new DriverError(
      'Invalid',
      `XML cannot hold the character U+${found[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`,
    );
  return text;
}
