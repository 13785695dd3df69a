import { setTimeout as sleep } from 'node:timers/promises';
import { attribute, childNS, elementNS, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { problems } from '../cim/problem.js';
import type { Asked } from './asked.js';
import { type Catalog, parsedQuery } from './catalog.js';
import type { Contexts, Subscription } from './contexts.js';
import { type Message, milliseconds } from './message.js';
import { classUri, ns } from './names.js';
import { el } from './render.js';

/** In milliseconds: how long WinRM waits for an event when a request names nothing. */
const usualTimeoutMs = 60_000;

/** In milliseconds: for how long a subscription is when a request names nothing. */
const usualExpiresMs = 600_000;
const pullMode = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull';

/** Subscribe, Renew and Unsubscribe; events are pulled as listings are. */
export class Subscriptions {
  readonly #catalog: Catalog;
  readonly #contexts: Contexts;
  readonly #asked: Asked;
  /** In milliseconds: no more is granted. */
  readonly #maxExpiresMs: number;

  constructor(catalog: Catalog, contexts: Contexts, asked: Asked, maxExpiresMs: number) {
    this.#maxExpiresMs = maxExpiresMs;
    this.#catalog = catalog;
    this.#contexts = contexts;
    this.#asked = asked;
  }

  async subscribe(message: Message): Promise<XmlElement> {
    const { namespace, className } = this.#catalog.resource(message.resourceUri);
    const wql = (textOf(childNS(message.body, ns.wsman, 'Filter')) ?? '').trim();
    await this.#asked(`Subscribe ${wql}`);
    const query = parsedQuery(wql);
    // MS-WSMV: of WMI only by the URI of all classes, and only since Windows 8.
    if (query.kind !== 'events' || namespace.listen === undefined || className !== '*') throw problems.noEvents();
    const mode = attribute(childNS(message.body, ns.eventing, 'Delivery'), 'Mode') ?? '';
    if (mode !== pullMode) throw problems.noDelivery(mode);
    const expires = this.#granted(message);
    const subscription: Subscription = {
      kind: 'subscription',
      pending: [],
      wake: () => {},
      stop: () => stop(),
      namespace: namespace.name,
      expiresAt: Date.now() + expires,
    };
    const isMeant = (eventClass: string) => [eventClass, '__InstanceOperationEvent'].includes(query.eventClass);
    const stop = namespace.listen((happening) => {
      const { targetClasses } = query;
      const isOf = targetClasses.length === 0 || targetClasses.some((each) => namespace.classes.isA(happening.target.className, each));
      if (!isMeant(happening.eventClass) || !isOf) return;
      subscription.pending.push(happening);
      subscription.wake();
    });
    const id = this.#contexts.add(subscription);
    const identifier = el.a('ReferenceParameters', el.w('ResourceURI', message.resourceUri), el.e('Identifier', id));
    return el.e(
      'SubscribeResponse',
      el.e('SubscriptionManager', el.a('Address', ''), identifier),
      expiresElement(expires),
      el.n('EnumerationContext', id),
    );
  }

  /** @throws Problem for one that has expired, as for one that never was */
  async renew(message: Message): Promise<XmlElement> {
    await this.#asked('Renew');
    const expires = this.#granted(message);
    const found = this.#contexts.find(identifierIn(message));
    if (found.kind !== 'subscription') throw problems.noRenewal();
    found.expiresAt = Date.now() + expires;
    return el.e('RenewResponse', expiresElement(expires));
  }

  async unsubscribe(message: Message): Promise<undefined> {
    await this.#asked('Unsubscribe');
    const id = identifierIn(message);
    this.#contexts.find(id);
    this.#contexts.forget(id);
  }

  /** In milliseconds. A point in time is not taken, nor none at all. */
  #granted({ body }: Message): number {
    const text = textOf(childNS(body, ns.eventing, 'Expires'))?.trim();
    const wanted = text === undefined ? usualExpiresMs : milliseconds(text);
    if (wanted === undefined) throw problems.noDuration(text ?? '');
    if (wanted <= 0) throw problems.noExpiry(text ?? '');
    return Math.min(wanted, this.#maxExpiresMs);
  }
}

const identifierIn = ({ header }: Message): string => textOf(childNS(header, ns.eventing, 'Identifier'))?.trim() ?? '';
const expiresElement = (ms: number): XmlElement => el.e('Expires', `PT${(ms / 1000).toFixed(3)}S`);

/** @throws Problem when nothing happens in time */
export async function pullEvents(
  catalog: Catalog,
  contexts: Contexts,
  { timeoutMs = usualTimeoutMs }: Message,
  id: string,
  subscription: Subscription,
): Promise<XmlElement> {
  if (subscription.pending.length === 0) await waited(subscription, timeoutMs);
  contexts.find(id);
  if (subscription.pending.length === 0) throw problems.nothingYet();
  const namespace = catalog.namespace(subscription.namespace);
  const items = subscription.pending.splice(0).map(({ eventClass, target }) => {
    const uri = classUri(subscription.namespace, eventClass);
    const content = namespace === undefined ? [] : catalog.instance(namespace, target).children;
    const wrapped = elementNS(uri, 'p:TargetInstance', {}, ...content);
    return elementNS(uri, `p:${eventClass}`, {}, wrapped);
  });
  return el.n('PullResponse', el.n('EnumerationContext', id), el.n('Items', ...items));
}

async function waited(subscription: Subscription, timeoutMs: number): Promise<void> {
  const woken = new AbortController();
  const event = new Promise<void>((resolve) => {
    subscription.wake = resolve;
  });
  await Promise.race([event, sleep(timeoutMs, undefined, { signal: woken.signal }).catch(() => {})]);
  woken.abort();
}
