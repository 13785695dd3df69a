import { childNS, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { Problem } from '../cim/problem.js';
import type { Asked } from './asked.js';
import { Calls } from './calls.js';
import { Catalog } from './catalog.js';
import { type ContextLimits, Contexts } from './contexts.js';
import { Listings } from './listings.js';
import { type Message, parseMessage } from './message.js';
import { ns } from './names.js';
import { renderIdentity, renderReply } from './render.js';
import { renderFault } from './render-fault.js';
import { Subscriptions } from './subscriptions.js';

export interface ServiceOptions {
  /** The host's name. */
  readonly server: string;
  /** `10.0.17763` */
  readonly version: string;
  readonly namespaces: readonly WmiNamespace[];
  readonly limits: ContextLimits;
  /** In milliseconds: for how long a subscription is granted at most. */
  readonly maxExpiresMs: number;
  readonly asked: Asked;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

/** WinRM's service: WS-Management on the outside, WMI behind. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #contexts: Contexts;
  readonly #catalog: Catalog;
  readonly #listings: Listings;
  readonly #subscriptions: Subscriptions;
  readonly #calls: Calls;

  constructor(options: ServiceOptions) {
    const { server, namespaces, limits, asked } = options;
    this.#options = options;
    this.#contexts = new Contexts(limits);
    this.#catalog = new Catalog(server, namespaces);
    this.#listings = new Listings(this.#catalog, this.#contexts, asked);
    this.#subscriptions = new Subscriptions(this.#catalog, this.#contexts, asked, options.maxExpiresMs);
    this.#calls = new Calls(this.#catalog, asked);
  }

  /** How many listings and subscriptions are open. */
  get open(): number {
    return this.#contexts.size;
  }

  close(): void {
    this.#contexts.forgetAll();
  }

  identify(isKnown: boolean): string {
    return renderIdentity(`OS: ${isKnown ? this.#options.version : '0.0.0'} SP: 0.0 Stack: ${this.#stack}`);
  }

  get #stack(): '2.0' | '3.0' {
    return /^6\.[01]\./.test(this.#options.version) ? '2.0' : '3.0';
  }

  async answer(text: string): Promise<Answered> {
    let message: Message | undefined;
    try {
      message = parseMessage(text);
      if (message.kind === 'identify') return { status: 200, body: this.identify(true) };
      return { status: 200, body: await this.#done(message) };
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      return this.#fault(reason, message?.messageId ?? '', message);
    }
  }

  /** Whatever was asked. */
  refuse(text: string, problem: Problem): Answered {
    return this.#fault(problem, /<(?:\w+:)?MessageID[^>]*>([^<]*)</.exec(text)?.[1] ?? '');
  }

  #fault(problem: Problem, messageId: string, message?: Message): Answered {
    const asked = textOf(childNS(message?.body, ns.wsman, 'Filter'));
    const answering = { machine: this.#options.server, stack: this.#stack, asked };
    return { status: problem.sender ? 400 : 500, body: renderFault(problem, messageId, answering) };
  }

  async #done(message: Message): Promise<string> {
    const body = await this.#bodyFor(message);
    return renderReply(`${message.action}Response`, message.messageId, body);
  }

  async #bodyFor(message: Message): Promise<XmlElement | undefined> {
    const { action } = message;
    if (action === `${ns.enumeration}/Enumerate`) return this.#listings.enumerate(message);
    if (action === `${ns.enumeration}/Pull`) return this.#listings.pull(message);
    if (action === `${ns.enumeration}/Release`) return this.#listings.release(message);
    if (action === `${ns.eventing}/Subscribe`) return this.#subscriptions.subscribe(message);
    if (action === `${ns.eventing}/Renew`) return this.#subscriptions.renew(message);
    if (action === `${ns.eventing}/Unsubscribe`) return this.#subscriptions.unsubscribe(message);
    const { namespace, className } = this.#catalog.resource(message.resourceUri);
    if (action === `${ns.transfer}/Get`) return this.#calls.get(message, namespace, className);
    if (action === `${ns.transfer}/Put`) return this.#calls.put(message, namespace, className);
    return this.#calls.invoke(message, namespace, className);
  }
}
