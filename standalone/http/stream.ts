import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatch, type WatchEvent, type WatchQuery } from '../requests/watch.js';
import type { Store } from '../store/store.js';

/** What one watcher may leave unread before it is cut off; it then begins again from where it was. */
const maxUnreadBytes = 64 * 2 ** 20;
const bookmarkEveryMs = 60_000;
const longestMs = 60 * 60_000;

export interface StreamOptions {
  readonly seconds: number;
  /** How an object is shown in an event. */
  readonly show: (event: WatchEvent) => WatchEvent;
  readonly signal: AbortSignal;
}

/** Resolves when the watch is over. @throws StatusError before anything was sent */
export async function streamWatch(
  store: Store,
  query: WatchQuery,
  response: ServerResponse,
  { seconds, show, signal }: StreamOptions,
): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  const watch = startWatch(store, query, (events) => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
    response.write(events.map((event) => lineOf(show(event))).join(''));
    if (response.writableLength > maxUnreadBytes) response.destroy();
  });
  if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }).flushHeaders();
  const bookmarks = query.bookmarks ? setInterval(() => watch.bookmark(), bookmarkEveryMs) : undefined;
  response.on('close', end);
  signal.addEventListener('abort', end, { once: true });
  await sleep(seconds === 0 ? longestMs : seconds * 1000, undefined, { signal: over.signal, ref: false }).catch(() => {});
  clearInterval(bookmarks);
  watch.stop();
  signal.removeEventListener('abort', end);
  response.end();
}

/** Of objects that many watchers are told of. */
const texts = new WeakMap<object, string>();

function lineOf({ type, object }: WatchEvent): string {
  const text = texts.get(object) ?? JSON.stringify(object);
  texts.set(object, text);
  return `{"type":"${type}","object":${text}}\n`;
}
