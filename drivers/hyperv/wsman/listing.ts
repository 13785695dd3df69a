import { DriverError } from '#drivers/error.js';
import { childNS, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { namespaces } from './names.js';
import { nonsense } from './nonsense.js';

/** In characters: twice what thousand machines with twenty devices each come to. */
const usualMost = 128 * 2 ** 20;
/** A host may need a moment for the first item; it does not need hundreds. */
const mostEmpty = 100;

export interface Page {
  readonly items: readonly XmlElement[];
  /** Where the next one begins; absent after the last. */
  readonly next?: string;
}

/** A reply, and how long its text was. */
export interface Reply {
  readonly body: XmlElement;
  readonly length: number;
}

/** More is listed than is taken: whoever asks for a part of it gets that. */
export class TooLong extends DriverError {
  constructor(what: string, mostText: number) {
    super(
      'Exhausted',
      `more than ${mostText / 2 ** 20} MiB are listed for ${what}, and no more are taken; of files, keep fewer in one folder`,
    );
  }
}

/** What comes page by page, of a host that may never come to an end. */
export class Listing {
  readonly items: XmlElement[] = [];
  readonly #what: string;
  readonly #mostText: number;
  #text = 0;
  #empty = 0;

  constructor(what: string, mostText = usualMost) {
    this.#what = what;
    this.#mostText = mostText;
  }

  /** @throws TooLong when it is more than is taken, DriverError Internal when it goes on with nothing on it */
  take({ items }: Page, length: number): void {
    this.#text += length;
    if (this.#text > this.#mostText) throw new TooLong(this.#what, this.#mostText);
    if (items.length === 0) this.#empty += 1;
    if (this.#empty > mostEmpty) throw nonsense(`the list goes on for ${this.#what}, and nothing is on it`);
    this.items.push(...items);
  }
}

/** Items are WS-Enumeration's in a page, and WS-Management's in the first one; so is their end. */
export function pageIn(response: XmlElement): Page {
  const { enumeration, wsman } = namespaces;
  const all = childNS(response, enumeration, 'Items') ?? childNS(response, wsman, 'Items');
  const isLast = [enumeration, wsman].some((each) => childNS(response, each, 'EndOfSequence') !== undefined);
  const next = isLast ? undefined : contextIn(response);
  return { items: elementsOf(all), ...(next === undefined ? {} : { next }) };
}

export function contextIn(response: XmlElement): string | undefined {
  const context = textOf(childNS(response, namespaces.enumeration, 'EnumerationContext'));
  return context === '' ? undefined : context;
}

export const elementsOf = (of: XmlElement | undefined): readonly XmlElement[] =>
  of?.children.filter((node) => node.kind === 'element') ?? [];
