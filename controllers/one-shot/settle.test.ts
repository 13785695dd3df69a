import t from 'tap';
import type { Client, Page } from '../kubernetes/client.js';
import type { KubernetesObject, Resource } from '../kubernetes/resource.js';
import { settled } from './settle.js';

const machine: KubernetesObject = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
};

/** A server that has one machine of which nothing is known, and never will be. */
const silent = {
  async *pages({ kind }: Resource): AsyncIterable<Page> {
    yield { items: kind === machine.kind ? [machine] : [], resourceVersion: '1' };
  },
} as unknown as Client;

const soon = () => AbortSignal.timeout(60_000);
const impatient = { quietMs: -1, timeoutMs: 60_000 };
const doings = { steps: () => 0, acts: () => 0 };

t.test('what stays quiet is not waited for, but for a host that is still being read', async (t) => {
  let looks = 0;
  const slow = () => ++looks > 5;
  t.match(await settled(silent, { ...doings, isRead: slow }, impatient, soon()), [machine]);
  t.ok(looks > 5, `${looks} looks`);
  t.match(await settled(silent, { ...doings, isRead: () => true }, impatient, soon()), [machine]);
});

t.test('and no longer than is said', async (t) => {
  const found = await settled(silent, { ...doings, isRead: () => false }, { quietMs: 60_000, timeoutMs: 0 }, soon());
  t.match(found, [machine]);
});
