import type { XmlElement } from '#drivers/xml/tree.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { Problem } from '../cim/problem.js';
import type { Asked } from './asked.js';
import { Calls } from './calls.js';
import { Catalog } from './catalog.js';
import { type ContextLimits, Contexts } from './contexts.js';
import { Listings } from './listings.js';
import { type Message, parseMessage } from './message.js';
import { ns } from './names.js';
import { renderFault, renderIdentity, renderReply } from './render.js';
import { Subscriptions } from './subscriptions.js';

export interface ServiceOptions {
  /** The host's name. */
  readonly server: string;
  /** `10.0.17763` */
  readonly version: string;
  readonly namespaces: readonly WmiNamespace[];
  readonly limits: ContextLimits;
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
    this.#subscriptions = new Subscriptions(this.#catalog, this.#contexts, asked);
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
    if (action === `${ns.enumeration}/Enumerate`) return this.#listings.enumerate(message);
    if (action === `${ns.enumeration}/Pull`) return this.#listings.pull(message);
    if (action === `${ns.enumeration}/Release`) return this.#listings.release(message);
    if (action === `${ns.eventing}/Subscribe`) return this.#subscriptions.subscribe(message);
    if (action === `${ns.eventing}/Unsubscribe`) return this.#subscriptions.unsubscribe(message);
    const { namespace, className } = this.#catalog.resource(message.resourceUri);
    if (action === `${ns.transfer}/Get`) return this.#calls.get(message, namespace, className);
    if (action === `${ns.transfer}/Put`) return this.#calls.put(message, namespace, className);
    return this.#calls.invoke(message, namespace, className);
  }
}
