import t from 'tap';
import type { StorageVolume } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import { jobsOf } from './jobs.js';

const volume = (uid: string): StorageVolume => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata: { name: uid, namespace: 'shop', uid, resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: { size: '1Gi', reclaimPolicy: 'Delete' },
});

t.test('a job is remembered as long as its volume is there to tell it of', async (t) => {
  const volumes = createStore<StorageVolume>();
  const told: string[] = [];
  const jobs = jobsOf(volumes, (uid) => void told.push(uid));
  for (const uid of ['fails', 'outlives']) volumes.set(volume(uid));
  let end = () => {};
  jobs.start('fails', () => Promise.reject(new Error('broke')), Date.now);
  jobs.start('outlives', () => new Promise((resolve) => (end = resolve)), Date.now);
  await new Promise(setImmediate);
  t.match(jobs.get('fails'), { kind: 'failed' });
  for (const uid of ['fails', 'outlives']) volumes.delete(`shop/${uid}`);
  t.equal(jobs.get('fails'), undefined);
  t.match(jobs.get('outlives'), { kind: 'running' }, 'what runs is ended by who stops it');
  end();
  await new Promise(setImmediate);
  t.equal(jobs.get('outlives'), undefined);
  t.same(told, ['fails']);
});
