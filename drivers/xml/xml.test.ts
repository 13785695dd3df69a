import fc from 'fast-check';
import t, { type Test } from 'tap';
import { DriverError } from '#drivers/error.js';
import { append, insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren, withText } from './edit.js';
import { parseXml } from './parse.js';
import { serializeXml } from './serialize.js';
import { attribute, child, childNS, element, elementNS, elements, textOf, type XmlElement, type XmlNode, xmlNamespaces } from './tree.js';

const character = fc.oneof(
  fc.constantFrom('&', '<', '>', '"', "'", '\n', '\r', '\t', ' ', ']', '-', '\u0085', '\u2028', '\u{1f600}'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
    .filter((s) => !/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(s)),
);
const exact = { noNullPrototype: true } as const;
const words = fc.string({ unit: character, maxLength: 12 });
const localNames = fc.constantFrom('a', 'b-c', 'd.e', '_f', 'élan', 'constructor', '__proto__', 'toString');
const bindings = [
  ['', ''],
  ['', 'urn:default'],
  ['p', 'urn:p'],
  ['p', 'urn:other'],
  ['q', 'urn:p'],
] as const;
const qualified = fc.tuple(fc.constantFrom(...bindings), localNames).map(([[prefix, namespace], local]) => ({
  name: prefix === '' ? local : `${prefix}:${local}`,
  namespace,
}));
const plainAttributes = fc.uniqueArray(fc.record({ name: localNames, namespace: fc.constant(''), value: words }, exact), {
  selector: (a) => a.name,
  maxLength: 4,
});
const comments = words.filter((s) => !s.includes('--') && !s.endsWith('-') && !s.includes('\r'));

/** Touching texts are one text, and empty ones none, as a parser sees them. */
function merged(nodes: readonly XmlNode[]): readonly XmlNode[] {
  const done: XmlNode[] = [];
  for (const node of nodes) {
    const last = done.at(-1);
    if (node.kind !== 'text') done.push(node);
    else if (last?.kind === 'text') done.splice(-1, 1, { kind: 'text', text: last.text + node.text });
    else if (node.text !== '') done.push(node);
  }
  return done;
}

const trees = fc.letrec<{ element: XmlElement; node: XmlNode }>((tie) => ({
  element: fc
    .record(
      {
        kind: fc.constant('element' as const),
        qualified,
        attributes: plainAttributes,
        children: fc.array(tie('node'), { maxLength: 4, depthIdentifier: 'depth' }),
      },
      exact,
    )
    .map(({ kind, qualified, attributes, children }) => ({ kind, ...qualified, attributes, children: merged(children) })),
  node: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'depth' },
    fc.record({ kind: fc.constant('text' as const), text: words }, exact),
    fc.record({ kind: fc.constant('comment' as const), text: comments }, exact),
    tie('element'),
  ),
}));

function withoutDeclarations(node: XmlElement): XmlElement {
  const bare = { ...node, attributes: node.attributes.filter((each) => each.namespace !== xmlNamespaces.xmlns) };
  return mapChildren(bare, (each) => (each.kind === 'element' ? withoutDeclarations(each) : each));
}

function refused(t: Test, text: string, why: RegExp): void {
  try {
    parseXml(text, 'the answer');
  } catch (reason) {
    t.ok(reason instanceof DriverError && reason.code === 'Invalid', 'is a DriverError Invalid');
    t.match(reason instanceof Error ? reason.message : '', why);
    return;
  }
  t.fail(`accepted ${text.slice(0, 60)}`);
}

t.test('a tree survives being written and read, and what was read survives it exactly', async (t) => {
  fc.assert(
    fc.property(trees.element, (tree) => {
      const read = parseXml(serializeXml(tree), 'tree');
      t.strictSame(withoutDeclarations(read), tree);
      t.strictSame(parseXml(serializeXml(read), 'tree'), read);
    }),
    { numRuns: 300 },
  );
});

t.test('names and declarations stay as written while look-ups go by namespace', async (t) => {
  const text = '<d xmlns:q="urn:q" a="1"><q:x q:id="7"/><x/><!-- kept --><y xmlns="urn:q"><z/></y></d>';
  const tree = parseXml(text, 'tree');
  t.equal(serializeXml(tree), text);
  t.equal(attribute(childNS(tree, 'urn:q', 'x'), 'id', 'urn:q'), '7');
  t.equal(attribute(childNS(tree, 'urn:q', 'x'), 'id'), undefined);
  t.equal(child(tree, 'x')?.name, 'x');
  t.equal(child(tree, 'y'), undefined, 'y is in another namespace');
  t.ok(childNS(childNS(tree, 'urn:q', 'y'), 'urn:q', 'z'));
  t.equal(elements(tree).length, 3);
  t.equal(elements(undefined, 'x').length, 0);
});

t.test('a missing declaration is added where it is needed, and only there', async (t) => {
  t.equal(
    serializeXml(
      element('a', {}, elementNS('urn:p', 'p:b', { c: '1' }, elementNS('urn:p', 'p:d')), elementNS('urn:e', 'e', {}, element('f'))),
    ),
    '<a><p:b c="1" xmlns:p="urn:p"><p:d/></p:b><e xmlns="urn:e"><f xmlns=""/></e></a>',
  );
  const contradictory: XmlElement = { ...elementNS('urn:p', 'p:b'), attributes: [{ name: 'p:x', namespace: 'urn:other', value: '' }] };
  t.throws(() => serializeXml(contradictory), { name: 'DriverError', code: 'Internal', message: /two namespaces/ });
});

t.test('CDATA is text, the predefined entities and character references are read', async (t) => {
  t.equal(textOf(parseXml('<a>x &amp; <![CDATA[<y> & ]]>&#x1F600;</a>', 'tree')), 'x & <y> & \u{1f600}');
});

t.test('what XML cannot hold is refused when written', async (t) => {
  for (const bad of ['\u0000', '\u000b', '\ud800', '\ufffe']) {
    t.throws(() => serializeXml(element('a', {}, bad)), { code: 'Invalid', message: /U\+/ });
    t.throws(() => serializeXml(element('a', { b: bad })), { code: 'Invalid' });
  }
  t.throws(() => serializeXml(element('a', {}, { kind: 'comment', text: 'a--b' })), { code: 'Invalid' });
});

t.test('hostile input is refused with a reason, and never takes long', async (t) => {
  const laughs = `<!DOCTYPE l [<!ENTITY a "ha">${[...'bcdefghij'].map((n, i) => `<!ENTITY ${n} "${`&${'abcdefghi'[i]};`.repeat(10)}">`).join('')}]><l>&j;</l>`;
  refused(t, laughs, /document type/);
  refused(t, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document type/);
  refused(t, '<a>&lol;</a>', /undefined entity/);
  refused(t, '<a>&constructor;</a>', /undefined entity/);
  refused(t, '<a>'.repeat(100_000), /nested deeper than the 256/);
  refused(t, `<a>${'<b/>'.repeat(200_001)}</a>`, /more than the 200000 nodes/);
  refused(t, `<a ${Array.from({ length: 200_001 }, (_, i) => `b${i}=""`).join(' ')}/>`, /more than the 200000 nodes/);
  refused(t, `<a>${'x'.repeat(20 * 1024 * 1024)}</a>`, /20971527 characters are more than the 8388608/);
  refused(t, `<a b="${'x'.repeat(7 * 1024 * 1024)}`, /the answer: 1:/);
  for (const text of [
    '',
    '   ',
    '<a><b></a>',
    '<a>',
    '<a/><b/>',
    '<a b="1" b="2"/>',
    '<p:a/>',
    '<a b=1/>',
    'a',
    '<a>\u0000</a>',
    '<a>&#0;</a>',
    '<a>]]></a>',
  ])
    refused(t, text, /^the answer: /);
});

t.test('an edit that changes nothing gives back the same element', async (t) => {
  fc.assert(
    fc.property(trees.element, words, (tree, value) => {
      const edited = withText(withAttribute(tree, 'b-c', value), value);
      t.equal(withText(withAttribute(edited, 'b-c', value), value), edited);
      t.equal(
        mapChildren(tree, (node) => node),
        tree,
      );
      t.equal(
        withoutChildren(tree, () => false),
        tree,
      );
    }),
    { numRuns: 100 },
  );
});

t.test('an edit touches what it names and nothing beside it', async (t) => {
  const tree = parseXml('<d a="1" c="2"> <x>1</x> <y/><x>2</x> <z/></d>', 'tree');
  t.equal(serializeXml(withAttribute(tree, 'a', undefined)), '<d c="2"> <x>1</x> <y/><x>2</x> <z/></d>');
  t.equal(serializeXml(withAttribute(withAttribute(tree, 'a', '3'), 'n', '4')), '<d a="3" c="2" n="4"> <x>1</x> <y/><x>2</x> <z/></d>');
  t.equal(serializeXml(withChild(tree, element('x'), (x) => withText(x, '7'))), '<d a="1" c="2"> <x>7</x> <y/><x>2</x> <z/></d>');
  t.equal(serializeXml(withChild(tree, element('x'), () => undefined)), '<d a="1" c="2">  <y/><x>2</x> <z/></d>');
  t.equal(serializeXml(withChild(element('d'), element('n'), (n) => withText(n, '1'))), '<d><n>1</n></d>');
  t.equal(serializeXml(insertAfterLast(tree, (e) => e.name === 'x', element('n'))), '<d a="1" c="2"> <x>1</x> <y/><x>2</x><n/> <z/></d>');
  t.equal(serializeXml(insertAfterLast(element('d'), () => true, element('n'))), '<d><n/></d>');
  t.equal(append(tree), tree);
});
