import { DriverError } from '#drivers/error.js';
import { isBroken } from '#drivers/https/network-error.js';
import { childNS, elements, textOf, type XmlContent, type XmlElement } from '#drivers/xml/tree.js';
import { asDriverError, asListingError, isForgotten, isNothingYet } from './driver-error.js';
import { decodeInstance, decodeProperties, decodeReference, type Instance, type Reference, type Value } from './instance.js';
import type { Lane, Lanes, Sending } from './lanes.js';
import { contextIn, elementsOf, Listing, type Page, pageIn, type Reply } from './listing.js';
import { actions, classUri, namespaces, pullDelivery, wqlDialect } from './names.js';
import { nonsense } from './nonsense.js';
import { encodeInput, type Parameters } from './parameters.js';
import { decodeReply, expected } from './reply.js';
import {
  duration,
  durationOf,
  encodeIdentify,
  encodeRequest,
  enumeration,
  eventing,
  type Request,
  withAttributes,
  wsman,
} from './request.js';

export interface Identity {
  readonly vendor: string;
  /** `OS: 10.0.17763 SP: 0.0 Stack: 3.0` */
  readonly version: string;
}

/** What a method gave back beside its parameters. */
export interface Outcome {
  readonly returnValue: number;
  readonly values: ReadonlyMap<string, readonly Value[]>;
}

/** In milliseconds: what the host is given for an answer, and how much longer we wait for it. */
const patience = { ask: 30_000, wait: 30_000, beyond: 10_000 };
/** In milliseconds: for how long a host is asked to remember a subscription; it is asked again before that. */
const subscribedMs = 600_000;
/** Instances at a time. The host sends fewer where they are more than an envelope holds. */
const pageSize = 100;

/** WS-Management towards one host, as far as WMI needs it. Rejects with DriverError only; the host's fault is its cause. */
export class WsmanClient implements AsyncDisposable {
  readonly #lanes: Lanes;
  readonly #mostListed: number | undefined;

  /** `mostListed`: how many characters of one listing are taken, where not as many as usual. */
  constructor(lanes: Lanes, mostListed?: number) {
    this.#lanes = lanes;
    this.#mostListed = mostListed;
  }

  get peer(): string {
    return this.#lanes.peer;
  }

  async identify(signal: AbortSignal): Promise<Identity> {
    const text = await this.#lanes.send(encodeIdentify(), question('Identify'), signal);
    const found = expected(decodeReply('Identify', text), namespaces.identity, 'IdentifyResponse');
    const said = (name: string) => textOf(childNS(found, namespaces.identity, name)) ?? '';
    return { vendor: said('ProductVendor'), version: said('ProductVersion') };
  }

  /** All that match, in pages. A listing that the host forgot midway, or that broke, begins anew, once. */
  async query(namespace: string, wql: string, signal: AbortSignal): Promise<readonly Instance[]> {
    return (await this.#list(namespace, wql, 'Instances', signal)).map(decodeInstance);
  }

  /** The same, without their properties. */
  async queryReferences(namespace: string, wql: string, signal: AbortSignal): Promise<readonly Reference[]> {
    return (await this.#list(namespace, wql, 'References', signal)).map(decodeReference);
  }

  /** NotFound when it is gone. */
  async get(of: Reference, signal: AbortSignal): Promise<Instance> {
    const [found] = elementsOf(await this.#ask({ ...targetOf(of), action: actions.get }, question('Get'), signal));
    if (found === undefined) throw nonsense('it holds no instance');
    return decodeInstance(found);
  }

  /** Replaces the properties that are given, of those that can be written. */
  async put(of: Reference, className: string, values: Parameters, signal: AbortSignal): Promise<void> {
    const body = encodeInput(className, of.resourceUri, values);
    await this.#ask({ ...targetOf(of), action: actions.put, body }, order('Put'), signal);
  }

  /** Asks an object to do something: once, whatever becomes of the answer. */
  async invoke(of: Reference, method: string, parameters: Parameters, signal: AbortSignal): Promise<Outcome> {
    const action = `${of.resourceUri}/${method}`;
    const body = encodeInput(`${method}_INPUT`, of.resourceUri, parameters);
    const reply = await this.#ask({ ...targetOf(of), action, body }, order(method), signal).catch((reason) => {
      throw about(method, asDriverError(reason));
    });
    const values = decodeProperties(expected(reply, of.resourceUri, `${method}_OUTPUT`));
    const [returned] = values.get('ReturnValue') ?? [];
    return { returnValue: Number(returned ?? 0), values };
  }

  /**
   * What happens there, from when the first is asked for on, which is empty and says that the host hears us, until the signal ends; then the host is told that nobody listens any more. Ends
   * with an error when the host cannot, or has forgotten us: begin anew then, and look at everything.
   */
  async *subscribe(namespace: string, wql: string, signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
    const resourceUri = classUri(namespace);
    const body = eventing(
      'Subscribe',
      withAttributes(eventing('Delivery'), { Mode: pullDelivery }),
      eventing('Expires', duration(subscribedMs)),
      filter(wql),
    );
    const reply = await this.#ask(
      { action: actions.subscribe, resourceUri, timeoutMs: patience.ask, body },
      order('Subscribe', 'watch'),
      signal,
    );
    const agreed = expected(reply, namespaces.eventing, 'SubscribeResponse');
    const manager = childNS(agreed, namespaces.eventing, 'SubscriptionManager');
    let context = contextIn(agreed);
    const grantedMs = durationOf(textOf(childNS(agreed, namespaces.eventing, 'Expires'))) ?? subscribedMs;
    let renewAt = performance.now() + grantedMs / 2;
    try {
      yield [];
      while (context !== undefined && !signal.aborted) {
        if (performance.now() >= renewAt) {
          await this.#renew(resourceUri, manager, signal);
          renewAt = performance.now() + grantedMs / 2;
        }
        const page = await this.#pullEvents(resourceUri, context, Math.min(patience.wait, grantedMs / 4), signal);
        context = page.next;
        yield page.items.map(decodeInstance);
      }
    } catch (reason) {
      if (!signal.aborted) throw reason;
    } finally {
      await this.#unsubscribe(resourceUri, manager);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lanes[Symbol.asyncDispose]();
  }

  async #list(namespace: string, wql: string, kind: 'Instances' | 'References', signal: AbortSignal): Promise<readonly XmlElement[]> {
    try {
      return await this.#listOnce(classUri(namespace), wql, kind, signal);
    } catch (reason) {
      if (!isForgotten(reason) && !isBroken(asDriverError(reason).cause)) throw asListingError(wql, reason);
      return await this.#listOnce(classUri(namespace), wql, kind, signal);
    }
  }

  async #listOnce(resourceUri: string, wql: string, kind: 'Instances' | 'References', signal: AbortSignal): Promise<readonly XmlElement[]> {
    const mode = kind === 'References' ? [wsman('EnumerationMode', 'EnumerateEPR')] : [];
    const ask = enumeration('Enumerate', wsman('OptimizeEnumeration'), ...mode, filter(wql), wsman('MaxElements', String(pageSize)));
    const request = { action: actions.enumerate, resourceUri, timeoutMs: patience.ask, body: ask };
    const what = wql.slice(0, 200);
    const listing = new Listing(what, this.#mostListed);
    const first = await this.#answer(request, question(`Enumerate ${what}`), signal);
    let page = pageIn(expected(first.body, namespaces.enumeration, 'EnumerateResponse'));
    try {
      listing.take(page, first.length);
      while (page.next !== undefined) {
        const reply = await this.#pull(resourceUri, page.next, patience.ask, 'control', signal);
        page = reply.page;
        listing.take(page, reply.length);
      }
    } catch (reason) {
      // A host keeps only so many listings open.
      if (page.next !== undefined && !isForgotten(reason)) this.#release(resourceUri, page.next);
      throw reason;
    }
    return listing.items;
  }

  async #pull(resourceUri: string, context: string, timeoutMs: number, lane: Lane, signal: AbortSignal) {
    const body = enumeration('Pull', enumeration('EnumerationContext', context), enumeration('MaxElements', String(pageSize)));
    const reply = await this.#answer({ action: actions.pull, resourceUri, timeoutMs, body }, order('Pull', lane), signal);
    return { page: pageIn(expected(reply.body, namespaces.enumeration, 'PullResponse')), length: reply.length };
  }

  async #pullEvents(resourceUri: string, context: string, waitMs: number, signal: AbortSignal): Promise<Page> {
    try {
      return (await this.#pull(resourceUri, context, waitMs, 'watch', signal)).page;
    } catch (reason) {
      if (isNothingYet(reason)) return { items: [], next: context };
      throw reason;
    }
  }

  /** Nobody waits for that. */
  #release(resourceUri: string, context: string): void {
    const body = enumeration('Release', enumeration('EnumerationContext', context));
    const request = { action: actions.release, resourceUri, timeoutMs: patience.beyond, body };
    this.#ask(request, question('Release'), AbortSignal.timeout(patience.beyond)).catch(() => {});
  }

  /** A host that cannot ends the subscription when its time is up, which is seen then. */
  async #renew(resourceUri: string, manager: XmlElement | undefined, signal: AbortSignal): Promise<void> {
    const body = eventing('Renew', eventing('Expires', duration(subscribedMs)));
    const request = { action: actions.renew, resourceUri, timeoutMs: patience.ask, head: identifierIn(manager), body };
    await this.#ask(request, order('Renew', 'watch'), signal).catch(() => {});
  }

  async #unsubscribe(resourceUri: string, manager: XmlElement | undefined): Promise<void> {
    const head = identifierIn(manager);
    const request = { action: actions.unsubscribe, resourceUri, timeoutMs: patience.beyond, head, body: eventing('Unsubscribe') };
    await this.#ask(request, question('Unsubscribe'), AbortSignal.timeout(patience.beyond)).catch(() => {});
  }

  async #ask(request: Request, sending: Omit<Sending, 'timeoutMs'>, signal: AbortSignal): Promise<XmlElement> {
    return (await this.#answer(request, sending, signal)).body;
  }

  async #answer(request: Request, sending: Omit<Sending, 'timeoutMs'>, signal: AbortSignal): Promise<Reply> {
    try {
      const message = encodeRequest(request, this.#lanes.url);
      const timeoutMs = request.timeoutMs + patience.beyond;
      const text = await this.#lanes.send(message, { ...sending, timeoutMs }, signal);
      return { body: decodeReply(sending.what, text), length: text.length };
    } catch (reason) {
      throw asDriverError(reason);
    }
  }
}

const question = (what: string) => ({ what, lane: 'control', timeoutMs: patience.ask, repeatable: true }) as const;
const order = (what: string, lane: Lane = 'control') => ({ what, lane, repeatable: false }) as const;

/** Of what may be refused alone, which it was is told. */
const about = (method: string, reason: DriverError): DriverError =>
  reason.message.includes(method) ? reason : new DriverError(reason.code, `${method}: ${reason.message}`, { cause: reason });

const identifierIn = (manager: XmlElement | undefined) =>
  elements(childNS(manager, namespaces.addressing, 'ReferenceParameters'), 'Identifier', namespaces.eventing);

const filter = (wql: string): XmlContent => withAttributes(wsman('Filter', wql), { Dialect: wqlDialect });

const targetOf = ({ resourceUri, selectors }: Reference) => ({ resourceUri, selectors, timeoutMs: patience.ask });
