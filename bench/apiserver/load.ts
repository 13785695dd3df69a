import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller, Reply } from '#test/cluster/caller.js';
import { median } from '../apply-to-ready/measure.js';

const group = 'bench.virtwright.io';
const namespace = 'default';
export const collection = `/apis/${group}/v1/namespaces/${namespace}/widgets`;
const text = { type: 'string' };
const schema = {
  type: 'object',
  properties: { spec: { type: 'object', properties: { sent: text, size: { type: 'integer' }, filling: text } } },
};
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
  },
};

/** Something of about a kilobyte, as a machine is. */
const widget = (name: string, size: number) => ({
  apiVersion: `${group}/v1`,
  kind: 'Widget',
  metadata: { name },
  spec: { sent: '', size, filling: 'x'.repeat(600) },
});
const nameOf = (index: number): string => `w-${index}`;

export async function install(caller: Caller): Promise<void> {
  await must(caller.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition));
  while ((await caller.call('GET', collection)).code !== 200) await sleep(50);
}

export interface Pace {
  readonly perSecond: number;
  /** Of one request, the median, in milliseconds. */
  readonly ms: number;
}

export const createAll = (caller: Caller, count: number): Promise<Pace> =>
  many(count, (index) => caller.call('POST', collection, widget(nameOf(index), index)));

export const updateAll = (caller: Caller, count: number): Promise<Pace> =>
  many(count, (index) => patch(caller, index, { size: index + 1 }));

/** Milliseconds until all of it was read, the median of some. */
export async function listAll(caller: Caller, times = 5): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const begin = performance.now();
    const response = await caller.stream(collection);
    for await (const _ of response);
    took.push(performance.now() - begin);
  }
  return median(took);
}

/** Changes so many objects a second, as far as it can. Resolves to how many there were. */
export async function changeAtRate(caller: Caller, perSecond: number, seconds: number, objects: number): Promise<number> {
  const begin = performance.now();
  const open = new Set<Promise<unknown>>();
  let sent = 0;
  for (; sent < perSecond * seconds; sent += 1) {
    const due = begin + (sent * 1000) / perSecond;
    if (performance.now() - begin > seconds * 1000) break;
    if (due - performance.now() > 1) await sleep(due - performance.now());
    if (open.size >= atOnce) await Promise.race(open);
    const one: Promise<unknown> = patch(caller, sent % objects, { sent: `${Date.now()}` }).finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
  return sent;
}

const patch = (caller: Caller, index: number, spec: object): Promise<Reply> =>
  must(caller.call('PATCH', `${collection}/${nameOf(index)}`, { spec }, 'application/merge-patch+json'));

/** How many requests are under way, whatever they are. */
const atOnce = 32;

async function many(count: number, request: (index: number) => Promise<Reply>): Promise<Pace> {
  const took: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const begin = performance.now();
      await must(request(index));
      took.push(performance.now() - begin);
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  return { perSecond: (count * 1000) / (performance.now() - begin), ms: median(took) };
}

async function must(reply: Promise<Reply>): Promise<Reply> {
  const { code, body } = await reply;
  if (code >= 300) throw new Error(`the server answered ${code}: ${JSON.stringify(body).slice(0, 300)}`);
  return { code, body };
}
