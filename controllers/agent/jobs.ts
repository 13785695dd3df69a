import type { StorageVolume } from '#crds/types.js';
import { Jobs } from '../host/jobs.js';
import type { Store } from '../kubernetes/store.js';

/** The jobs of a host's volumes, by uid. What has ended is remembered until it is told of, or nobody is left to tell it of. */
export function jobsOf(volumes: Store<StorageVolume>, onEnd: (uid: string) => void): Jobs {
  const isThere = (uid: string) => volumes.list().some(({ metadata }) => metadata.uid === uid);
  const jobs = new Jobs((uid) => (isThere(uid) ? onEnd(uid) : jobs.forget(uid)));
  volumes.subscribe((change) => {
    if (change.kind === 'deleted') jobs.forget(change.previous.metadata.uid);
  });
  return jobs;
}
