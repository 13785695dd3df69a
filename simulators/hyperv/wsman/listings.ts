import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, childNS, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { Problem, problems } from '../cim/problem.js';
import type { Query } from '../wql/parse.js';
import type { Asked } from './asked.js';
import { type Catalog, parsedQuery } from './catalog.js';
import type { Contexts } from './contexts.js';
import { type Message, positive } from './message.js';
import { ns } from './names.js';
import { el } from './render.js';
import { pullEvents } from './subscriptions.js';

/** In bytes: what WinRM takes for an answer when a request names nothing. */
const usualEnvelope = 500 * 1024;
const maxItems = 32_000;
const wqlDialect = 'http://schemas.microsoft.com/wbem/wsman/1/WQL';

/** Enumerate, Pull and Release. */
export class Listings {
  readonly #catalog: Catalog;
  readonly #contexts: Contexts;
  readonly #asked: Asked;

  constructor(catalog: Catalog, contexts: Contexts, asked: Asked) {
    this.#catalog = catalog;
    this.#contexts = contexts;
    this.#asked = asked;
  }

  /** What WMI makes of a query is one kind of fault, whatever is wrong with it. */
  async enumerate(message: Message): Promise<XmlElement> {
    try {
      return await this.#enumerate(message);
    } catch (reason) {
      throw reason instanceof Problem ? reason.ofQuery : reason;
    }
  }

  async #enumerate(message: Message): Promise<XmlElement> {
    const { namespace, className } = this.#catalog.resource(message.resourceUri);
    const filter = childNS(message.body, ns.wsman, 'Filter');
    const dialect = attribute(filter, 'Dialect') ?? wqlDialect;
    if (dialect.toLowerCase() !== wqlDialect.toLowerCase()) throw problems.noDialect(dialect);
    const wql = filter === undefined ? `SELECT * FROM ${className}` : (textOf(filter) ?? '').trim();
    await this.#asked(`Enumerate ${wql}`);
    const mode = textOf(childNS(message.body, ns.wsman, 'EnumerationMode')) ?? 'EnumerateObject';
    const items = this.#itemsFor(namespace, parsedQuery(wql), mode);
    const isOptimized = childNS(message.body, ns.wsman, 'OptimizeEnumeration') !== undefined;
    const first = isOptimized ? this.#page(items, childNS(message.body, ns.wsman, 'MaxElements'), message) : [];
    const isWhole = isOptimized && items.length === 0;
    const context = isWhole ? '' : this.#contexts.add({ kind: 'listing', items });
    return el.n(
      'EnumerateResponse',
      el.n('EnumerationContext', context),
      ...(isOptimized ? [el.w('Items', ...first)] : []),
      ...(isWhole ? [el.w('EndOfSequence')] : []),
    );
  }

  async pull(message: Message): Promise<XmlElement> {
    const id = textOf(childNS(message.body, ns.enumeration, 'EnumerationContext'))?.trim() ?? '';
    const context = this.#contexts.find(id);
    await this.#asked('Pull');
    if (context.kind === 'subscription') return pullEvents(this.#catalog, this.#contexts, message, id, context);
    const items = this.#page(context.items, childNS(message.body, ns.enumeration, 'MaxElements'), message);
    const isLast = context.items.length === 0;
    if (isLast) this.#contexts.forget(id);
    return el.n(
      'PullResponse',
      ...(isLast ? [] : [el.n('EnumerationContext', id)]),
      // There even when it is empty: clients look for it.
      el.n('Items', ...items),
      ...(isLast ? [el.n('EndOfSequence')] : []),
    );
  }

  async release(message: Message): Promise<undefined> {
    await this.#asked('Release');
    const id = textOf(childNS(message.body, ns.enumeration, 'EnumerationContext'))?.trim() ?? '';
    this.#contexts.find(id);
    this.#contexts.forget(id);
  }

  /** One at a time, unless more are asked for; and never more than the client takes at a time. */
  #page(items: XmlElement[], maxElements: XmlElement | undefined, { maxEnvelope = usualEnvelope }: Message): readonly XmlElement[] {
    const wanted = Math.min(positive(textOf(maxElements)?.trim()) ?? 1, maxItems);
    const page: XmlElement[] = [];
    let room = maxEnvelope - 2048;
    for (let next = items[0]; next !== undefined && page.length < wanted; next = items[0]) {
      room -= Buffer.byteLength(serializeXml(next));
      if (room < 0) break;
      page.push(next);
      items.shift();
    }
    if (page.length === 0 && items.length > 0) throw problems.tooLarge();
    return page;
  }

  #itemsFor(namespace: WmiNamespace, query: Query, mode: string): XmlElement[] {
    if (query.kind === 'events') throw problems.badQuery('events are subscribed to, not listed');
    const isReference = mode === 'EnumerateEPR';
    const columns = query.kind === 'select' ? query.columns : undefined;
    return this.#catalog.found(namespace, query).map(({ object, name }) => {
      const reference = () => el.a('EndpointReference', ...this.#catalog.reference(namespace, object));
      if (isReference) return reference();
      const whole = this.#catalog.instance(namespace, object, name);
      const instance = columns === undefined ? whole : fragment(whole, columns);
      return mode === 'EnumerateObjectAndEPR' ? el.w('Item', instance, reference()) : instance;
    });
  }
}

/** Of what is asked for by some of its properties, there is no object: only those (DSP0227). */
function fragment({ children }: XmlElement, columns: readonly string[]): XmlElement {
  const names = columns.map((name) => name.toLowerCase());
  return el.w('XmlFragment', ...children.filter((each) => each.kind === 'element' && names.includes(localName(each).toLowerCase())));
}
