import { SaxesParser, type SaxesTagNS } from 'saxes';
import { DriverError } from '#drivers/error.js';
import type { XmlElement, XmlNode } from './tree.js';

export interface XmlLimits {
  /** In UTF-16 code units. */
  readonly length: number;
  readonly depth: number;
  /** Elements, attributes, texts and comments together. */
  readonly nodes: number;
}

/** Generous for what a hypervisor says, small enough that a hostile one can take neither our memory nor more than moments of the event loop. */
export const defaultXmlLimits: XmlLimits = { length: 8 * 1024 * 1024, depth: 256, nodes: 200_000 };

/**
 * The root of a well-formed XML 1.0 document. Processing instructions and what stands outside the root are dropped.
 * Document types, and with them entities of one's own, are refused. `what` names the text in errors, e.g. `domain XML`.
 * @throws DriverError Invalid
 */
export function parseXml(text: string, what: string, limits: XmlLimits = defaultXmlLimits): XmlElement {
  if (text.length > limits.length) throw invalid(what, `${text.length} characters are more than the ${limits.length} accepted`);
  try {
    return new TreeBuilder(what, limits).build(text);
  } catch (reason) {
    if (reason instanceof DriverError) throw reason;
    throw new DriverError('Invalid', `${what}: ${reason instanceof Error ? reason.message : reason}`, { cause: reason });
  }
}

interface OpenElement {
  readonly tag: Omit<XmlElement, 'children'>;
  readonly children: XmlNode[];
}

class TreeBuilder {
  readonly #what: string;
  readonly #limits: XmlLimits;
  readonly #parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  readonly #open: OpenElement[] = [];
  #nodes = 0;
  #depth = 0;
  #root: XmlElement | undefined;

  constructor(what: string, limits: XmlLimits) {
    this.#what = what;
    this.#limits = limits;
    this.#parser.on('doctype', () => this.#refuse('a document type declaration is not accepted'));
    this.#parser.on('opentagstart', () => this.#descend());
    this.#parser.on('attribute', () => this.#count());
    this.#parser.on('opentag', (tag) => this.#open.push({ tag: plainTag(tag), children: [] }));
    this.#parser.on('closetag', () => this.#close());
    this.#parser.on('text', (text) => this.#text(text));
    this.#parser.on('cdata', (text) => this.#text(text));
    this.#parser.on('comment', (text) => this.#append({ kind: 'comment', text }));
  }

  build(text: string): XmlElement {
    this.#parser.write(text).close();
    if (this.#root === undefined) throw invalid(this.#what, 'there is no root element');
    return this.#root;
  }

  /** Before the tag's attributes are read, so that the limits hold within a tag, too. */
  #descend(): void {
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) this.#refuse(`elements are nested deeper than the ${this.#limits.depth} accepted`);
    this.#count();
  }

  #close(): void {
    this.#depth -= 1;
    const closed = this.#open.pop();
    if (closed === undefined) return;
    const { name, namespace, attributes } = closed.tag;
    const children = closed.children.length === 0 ? none : closed.children;
    const finished: XmlElement = { kind: 'element', name, namespace, attributes, children };
    if (this.#open.length === 0) this.#root = finished;
    else this.#open.at(-1)?.children.push(finished);
  }

  /** Text and CDATA that touch are one text. */
  #text(text: string): void {
    const siblings = this.#open.at(-1)?.children;
    const before = siblings?.at(-1);
    if (before?.kind === 'text') siblings?.splice(-1, 1, { kind: 'text', text: before.text + text });
    else if (text !== '') this.#append({ kind: 'text', text });
  }

  #append(node: XmlNode): void {
    this.#count();
    this.#open.at(-1)?.children.push(node);
  }

  #count(): void {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.nodes) this.#refuse(`there are more than the ${this.#limits.nodes} nodes accepted`);
  }

  #refuse(why: string): never {
    throw invalid(this.#what, `${this.#parser.line}:${this.#parser.column}: ${why}.`);
  }
}

/** Shared by all that have none, which are most. */
const none: readonly never[] = [];

function plainTag(tag: SaxesTagNS): Omit<XmlElement, 'children'> {
  const attributes = Object.values(tag.attributes).map(({ name, uri, value }) => ({ name, namespace: uri, value }));
  return { kind: 'element', name: tag.name, namespace: tag.uri, attributes: attributes.length === 0 ? none : attributes };
}

function invalid(what: string, why: string): DriverError {
  return new DriverError('Invalid', `${what}: ${why}`);
}
