import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatch, type WatchEvent, type WatchQuery } from '../requests/watch.js';
import type { Store } from '../store/store.js';
import { Outflow } from './outflow.js';

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
  const outflow = new Outflow(response, show);
  const watch = startWatch(store, query, outflow);
  response.flushHeaders();
  const bookmarks = query.bookmarks ? setInterval(() => watch.bookmark(), bookmarkEveryMs) : undefined;
  response.on('close', end);
  signal.addEventListener('abort', end, { once: true });
  await sleep(seconds === 0 ? longestMs : seconds * 1000, undefined, { signal: over.signal, ref: false }).catch(() => {});
  clearInterval(bookmarks);
  watch.stop();
  signal.removeEventListener('abort', end);
  response.end();
}
