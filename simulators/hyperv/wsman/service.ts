import { setTimeout as sleep } from 'node:timers/promises';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, childNS, elementNS, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { Argument, Input, Output, WmiNamespace } from '../cim/namespace.js';
import { type CimObject, keysOf, leadsTo, type ObjectPath, pathOf, textOfValue } from '../cim/object.js';
import { Problem, problems } from '../cim/problem.js';
import { holds } from '../wql/evaluate.js';
import { parseQuery, type Query, QueryError } from '../wql/parse.js';
import { type ContextLimits, Contexts, type Subscription } from './contexts.js';
import { elementsOf, type Message, milliseconds, parseMessage, positive, selectorsIn } from './message.js';
import { classUri, ns, parseClassUri } from './names.js';
import { el, renderFault, renderIdentity, renderInstance, renderReference, renderReply } from './render.js';

export interface ServiceOptions {
  /** The host's name. */
  readonly server: string;
  /** `10.0.17763` */
  readonly version: string;
  readonly namespaces: readonly WmiNamespace[];
  readonly limits: ContextLimits;
  /** Told of each request, before it is done: `Enumerate SELECT …`, `Msvm_ComputerSystem.RequestStateChange`. May fail it, or hold it up. */
  readonly asked: (what: string) => Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** In bytes, and in milliseconds: what WinRM takes when a request names nothing. */
const usual = { maxEnvelope: 500 * 1024, timeoutMs: 60_000 };
const maxItems = 32_000;

/** WinRM's service: WS-Management on the outside, WMI behind. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #contexts: Contexts;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#contexts = new Contexts(options.limits);
  }

  /** How many listings and subscriptions are open. */
  get open(): number {
    return this.#contexts.size;
  }

  close(): void {
    this.#contexts.forgetAll();
  }

  identify(isKnown: boolean): string {
    const { version } = this.#options;
    return renderIdentity(isKnown ? `OS: ${version} SP: 0.0 Stack: 3.0` : 'OS: 0.0.0 SP: 0.0 Stack: 3.0');
  }

  async answer(text: string): Promise<Answered> {
    let message: Message | undefined;
    try {
      message = parseMessage(text);
      if (message.kind === 'identify') return { status: 200, body: this.identify(true) };
      return { status: 200, body: await this.#done(message) };
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      return this.#fault(reason, message?.messageId ?? '');
    }
  }

  /** Whatever was asked. */
  refuse(text: string, problem: Problem): Answered {
    return this.#fault(problem, /<(?:\w+:)?MessageID[^>]*>([^<]*)</.exec(text)?.[1] ?? '');
  }

  #fault(problem: Problem, messageId: string): Answered {
    return { status: problem.sender ? 400 : 500, body: renderFault(problem, messageId, this.#options.server) };
  }

  async #done(message: Message): Promise<string> {
    const body = await this.#bodyFor(message);
    return renderReply(`${message.action}Response`, message.messageId, body);
  }

  async #bodyFor(message: Message): Promise<XmlElement | undefined> {
    const { action } = message;
    if (action === `${ns.enumeration}/Enumerate`) return this.#enumerate(message);
    if (action === `${ns.enumeration}/Pull`) return this.#pull(message);
    if (action === `${ns.enumeration}/Release`) return this.#release(message);
    if (action === `${ns.eventing}/Subscribe`) return this.#subscribe(message);
    if (action === `${ns.eventing}/Unsubscribe`) return this.#unsubscribe(message);
    const { namespace, className } = this.#resource(message.resourceUri);
    if (action === `${ns.transfer}/Get`) return this.#get(message, namespace, className);
    if (action === `${ns.transfer}/Put`) return this.#put(message, namespace, className);
    return this.#invoke(message, namespace, className);
  }

  #resource(uri: string): { readonly namespace: WmiNamespace; readonly className: string } {
    const parsed = parseClassUri(uri);
    if (parsed === undefined) throw problems.badMessage(`no resource is meant by "${uri}"`);
    const namespace = this.#options.namespaces.find(({ name }) => name.toLowerCase() === parsed.namespace);
    if (namespace === undefined) throw problems.noNamespace(parsed.namespace);
    if (parsed.className !== '*' && namespace.classes.find(parsed.className) === undefined) throw problems.noClass(parsed.className);
    return { namespace, className: parsed.className };
  }

  async #enumerate(message: Message): Promise<XmlElement> {
    const { namespace, className } = this.#resource(message.resourceUri);
    const filter = childNS(message.body, ns.wsman, 'Filter');
    const wql = filter === undefined ? `SELECT * FROM ${className}` : (textOf(filter) ?? '').trim();
    await this.#options.asked(`Enumerate ${wql}`);
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

  async #pull(message: Message): Promise<XmlElement> {
    const id = textOf(childNS(message.body, ns.enumeration, 'EnumerationContext'))?.trim() ?? '';
    const context = this.#contexts.find(id);
    await this.#options.asked('Pull');
    if (context.kind === 'subscription') return this.#pullEvents(message, id, context);
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

  /** One at a time, unless more are asked for; and never more than the client takes at a time. */
  #page(items: XmlElement[], maxElements: XmlElement | undefined, { maxEnvelope = usual.maxEnvelope }: Message): readonly XmlElement[] {
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

  async #release(message: Message): Promise<undefined> {
    await this.#options.asked('Release');
    const id = textOf(childNS(message.body, ns.enumeration, 'EnumerationContext'))?.trim() ?? '';
    this.#contexts.find(id);
    this.#contexts.forget(id);
  }

  #itemsFor(namespace: WmiNamespace, query: Query, mode: string): XmlElement[] {
    if (query.kind === 'events') throw problems.badQuery('events are subscribed to, not listed');
    const isReference = mode === 'EnumerateEPR';
    return this.#found(namespace, query).map(({ object, name }) => {
      const reference = () => el.a('EndpointReference', ...this.#reference(namespace, object));
      if (isReference) return reference();
      const instance = this.#instance(namespace, object, name);
      return mode === 'EnumerateObjectAndEPR' ? el.w('Item', instance, reference()) : instance;
    });
  }

  #found(
    namespace: WmiNamespace,
    query: Exclude<Query, { kind: 'events' }>,
  ): readonly { readonly object: CimObject; readonly name: string | undefined }[] {
    const { classes } = namespace;
    if (query.kind === 'select') {
      const asked = classes.find(query.className);
      if (asked === undefined) throw problems.noClass(query.className);
      const found = namespace.instances(asked.name).filter((object) => holds(query.where, this.#look(namespace, object)));
      return found.map((object) => ({ object, name: asked.name }));
    }
    const [of] = this.#objects(namespace, query.of);
    if (of === undefined) throw problems.noObject();
    const result = query.resultClass === undefined ? undefined : classes.find(query.resultClass);
    if (query.resultClass !== undefined && result === undefined) throw problems.noClass(query.resultClass);
    return namespace
      .associated(of)
      .filter(([assoc]) => query.assocClass === undefined || assoc.toLowerCase() === query.assocClass.toLowerCase())
      .filter(([, other]) => result === undefined || classes.isA(other.className, result.name))
      .map(([, object]) => ({ object, name: result?.name }));
  }

  #look(namespace: WmiNamespace, object: CimObject) {
    const { server } = this.#options;
    return (name: string): string | undefined => {
      const system = name.toUpperCase();
      if (system === '__SERVER') return server;
      if (system === '__PATH') return pathOf(object, namespace.classes, server, namespace.name);
      if (system === '__CLASS') return object.className;
      return textOfValue(object, name);
    };
  }

  #objects(namespace: WmiNamespace, path: ObjectPath): readonly CimObject[] {
    return namespace.instances(path.className).filter((object) => leadsTo(path, object, namespace.classes));
  }

  #instance(namespace: WmiNamespace, object: CimObject, name = object.className): XmlElement {
    const cimClass = namespace.classes.find(object.className);
    if (cimClass === undefined) throw problems.noClass(object.className);
    return renderInstance(object, cimClass, name, classUri(namespace.name, name));
  }

  #reference(namespace: WmiNamespace, object: CimObject): readonly XmlElement[] {
    return renderReference(classUri(namespace.name, object.className), keysOf(object, namespace.classes));
  }

  /** The one object that is meant. Of a class with but one object, keys may be missing. */
  #target(message: Pick<Message, 'selectors'>, namespace: WmiNamespace, className: string): CimObject {
    const [found, ...more] = this.#objects(namespace, { className, keys: message.selectors });
    if (found === undefined) throw problems.noObject();
    if (more.length > 0) throw problems.badSelectors();
    return found;
  }

  async #get(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    await this.#options.asked(`Get ${className}`);
    return this.#instance(namespace, this.#target(message, namespace, className));
  }

  async #put(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    await this.#options.asked(`Put ${className}`);
    const target = this.#target(message, namespace, className);
    const given = Object.fromEntries(elementsOf(message.body).map((each) => [localName(each), textOf(each) ?? '']));
    if (!namespace.put(target, given)) throw problems.invalid(`objects of ${className} cannot be written`);
    return this.#instance(namespace, this.#target(message, namespace, className));
  }

  async #invoke(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    const method = message.action.slice(message.action.lastIndexOf('/') + 1);
    if (message.action !== `${message.resourceUri}/${method}`) throw problems.noMethod(message.action);
    await this.#options.asked(`${className}.${method}`);
    const target = this.#target(message, namespace, className);
    const output = await namespace.invoke(target, method, this.#input(message));
    if (output === undefined) throw problems.noMethod(method);
    return this.#output(namespace, `${method}_OUTPUT`, message.resourceUri, output);
  }

  #input({ body }: Message): Input {
    const input: Record<string, readonly Argument[]> = {};
    for (const each of elementsOf(body)) {
      const name = localName(each);
      input[name] = [...(input[name] ?? []), ...this.#argument(each)];
    }
    return input;
  }

  #argument(of: XmlElement): readonly Argument[] {
    if (attribute(of, 'nil', ns.xsi) === 'true') return [];
    const [parameters] = elements(of, 'ReferenceParameters', ns.addressing);
    return [parameters === undefined ? (textOf(of) ?? '') : this.#referred(parameters)];
  }

  #referred(parameters: XmlElement): CimObject {
    const { namespace, className } = this.#resource(textOf(childNS(parameters, ns.wsman, 'ResourceURI')) ?? '');
    return this.#target({ selectors: selectorsIn(childNS(parameters, ns.wsman, 'SelectorSet')) }, namespace, className);
  }

  #output(namespace: WmiNamespace, name: string, uri: string, { returnValue, values = {} }: Output): XmlElement {
    const given = Object.entries(values).flatMap(([parameter, value]) =>
      (value === undefined ? [] : [value].flat()).map((each) => {
        const content = typeof each === 'string' ? [each] : this.#reference(namespace, each);
        return elementNS(uri, `p:${parameter}`, {}, ...content);
      }),
    );
    return elementNS(uri, `p:${name}`, {}, ...given, elementNS(uri, 'p:ReturnValue', {}, String(returnValue)));
  }

  async #subscribe(message: Message): Promise<XmlElement> {
    const { namespace, className } = this.#resource(message.resourceUri);
    const wql = (textOf(childNS(message.body, ns.wsman, 'Filter')) ?? '').trim();
    await this.#options.asked(`Subscribe ${wql}`);
    const query = parsedQuery(wql);
    // MS-WSMV: of WMI only by the URI of all classes, and only since Windows 8.
    if (query.kind !== 'events' || namespace.listen === undefined || className !== '*') throw problems.noEvents();
    const subscription: Subscription = { kind: 'subscription', pending: [], wake: () => {}, stop: () => stop(), namespace: namespace.name };
    const isMeant = (eventClass: string) => [eventClass, '__InstanceOperationEvent'].includes(query.eventClass);
    const stop = namespace.listen((happening) => {
      const isOf = query.targetClass === undefined || namespace.classes.isA(happening.target.className, query.targetClass);
      if (!isMeant(happening.eventClass) || !isOf) return;
      subscription.pending.push(happening);
      subscription.wake();
    });
    const id = this.#contexts.add(subscription);
    const identifier = el.a('ReferenceParameters', el.w('ResourceURI', message.resourceUri), el.e('Identifier', id));
    const expires = milliseconds(textOf(childNS(message.body, ns.eventing, 'Expires'))) ?? 600_000;
    return el.e(
      'SubscribeResponse',
      el.e('SubscriptionManager', el.a('Address', ''), identifier),
      el.e('Expires', `PT${(expires / 1000).toFixed(3)}S`),
      el.n('EnumerationContext', id),
    );
  }

  async #pullEvents({ timeoutMs = usual.timeoutMs }: Message, id: string, subscription: Subscription): Promise<XmlElement> {
    if (subscription.pending.length === 0) await waited(subscription, timeoutMs);
    this.#contexts.find(id);
    if (subscription.pending.length === 0) throw problems.nothingYet();
    const namespace = this.#options.namespaces.find(({ name }) => name === subscription.namespace);
    const items = subscription.pending.splice(0).map(({ eventClass, target }) => {
      const uri = classUri(subscription.namespace, eventClass);
      const content = namespace === undefined ? [] : this.#instance(namespace, target).children;
      const wrapped = elementNS(uri, 'p:TargetInstance', {}, ...content);
      return elementNS(uri, `p:${eventClass}`, {}, wrapped);
    });
    return el.n('PullResponse', el.n('EnumerationContext', id), el.n('Items', ...items));
  }

  async #unsubscribe(message: Message): Promise<undefined> {
    await this.#options.asked('Unsubscribe');
    const id = textOf(childNS(message.header, ns.eventing, 'Identifier'))?.trim() ?? '';
    this.#contexts.find(id);
    this.#contexts.forget(id);
  }
}

async function waited(subscription: Subscription, timeoutMs: number): Promise<void> {
  const woken = new AbortController();
  const event = new Promise<void>((resolve) => {
    subscription.wake = resolve;
  });
  await Promise.race([event, sleep(timeoutMs, undefined, { signal: woken.signal }).catch(() => {})]);
  woken.abort();
}

function parsedQuery(wql: string): Query {
  try {
    return parseQuery(wql);
  } catch (reason) {
    if (reason instanceof QueryError) throw problems.badQuery(reason.message);
    throw reason;
  }
}
