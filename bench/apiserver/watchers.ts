import { Caller } from '#test/cluster/caller.js';
import { collection } from './load.js';

/**
 * A process of many watchers: `node watchers.js URL FOLDER COUNT RESOURCE_VERSION`. It says `ready` when all of them are open, and answers `report`
 * with what they heard. It counts lines and reads one in a hundred, as the load is what the server bears, not what this can.
 */
export interface Heard {
  readonly events: number;
  /** From the writing of an object to its event, in milliseconds; of some. */
  readonly delays: readonly number[];
}

const [url = '', folder = '', count = '0', resourceVersion = ''] = process.argv.slice(2);
const readEvery = 100;
let events = 0;
const delays: number[] = [];

async function watch(): Promise<void> {
  const caller = await Caller.for(url, folder);
  const response = await caller.stream(`${collection}?watch=true&resourceVersion=${resourceVersion}`);
  response.on('data', hear);
  response.on('error', () => {});
}

function hear(chunk: Buffer): void {
  const before = Math.floor(events / readEvery);
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) events += 1;
  if (Math.floor(events / readEvery) === before) return;
  const [, sent] = /"sent":"(\d+)"/.exec(chunk.toString('latin1')) ?? [];
  if (sent !== undefined) delays.push(Date.now() - Number(sent));
}

process.on('message', (question) => {
  if (question === 'report') process.send?.({ events, delays } satisfies Heard);
});
process.on('disconnect', () => process.exit());
await Promise.all(Array.from({ length: Number(count) }, watch));
process.send?.('ready');
