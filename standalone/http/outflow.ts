import type { ServerResponse } from 'node:http';
import { textOf } from '../json.js';
import type { WatchEvent } from '../requests/watch.js';

/** What is handed on at once, in characters: no more than that is held as text for somebody who does not read. */
const portion = 64 * 1024;
/** How many events may wait beside those that a watch began with. */
const mostWaiting = 10_000;

/**
 * Events on their way to one watcher, no faster than it reads. What waits are the objects themselves, which the store remembers for as long anyway;
 * who falls too far behind is cut off, and begins again from where it was.
 */
export class Outflow {
  readonly #response: ServerResponse;
  readonly #show: (event: WatchEvent) => WatchEvent;
  #waiting: WatchEvent[] = [];
  #next = 0;
  #most = mostWaiting;

  /** `show`: how an object is shown in an event. */
  constructor(response: ServerResponse, show: (event: WatchEvent) => WatchEvent) {
    this.#response = response;
    this.#show = show;
    response.on('drain', () => this.#flow());
  }

  /** All that is there when it begins, however much that is. */
  begin(events: readonly WatchEvent[]): void {
    this.#response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
    this.#most += events.length;
    this.add(events);
  }

  add(events: readonly WatchEvent[]): void {
    if (this.#waiting.length - this.#next + events.length > this.#most) {
      this.#waiting = [];
      this.#response.destroy();
      return;
    }
    for (const event of events) this.#waiting.push(event);
    this.#flow();
  }

  #flow(): void {
    while (this.#next < this.#waiting.length && !this.#response.writableNeedDrain && !this.#response.destroyed)
      this.#response.write(this.#portion());
    if (this.#next < this.#waiting.length) return;
    this.#waiting = [];
    this.#next = 0;
  }

  #portion(): string {
    let text = '';
    while (this.#next < this.#waiting.length && text.length < portion) {
      text += lineOf(this.#show(this.#waiting[this.#next] as WatchEvent));
      this.#next += 1;
    }
    return text;
  }
}

const lineOf = ({ type, object }: WatchEvent): string => `{"type":"${type}","object":${textOf(object)}}\n`;
