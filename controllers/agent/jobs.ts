import type { StorageVolume } from '#crds/types.js';
import { deletionKey, Jobs, wipeKey } from '../host/jobs.js';
import type { Store } from '../kubernetes/store.js';

/** The jobs of a host's volumes, by uid or by a key that begins with it. What has ended is remembered until it is told of, or nobody is left to tell it of. */
export function jobsOf(volumes: Store<StorageVolume>, onEnd: (uid: string) => void): Jobs {
  const isThere = (uid: string) => volumes.list().some(({ metadata }) => metadata.uid === uid);
  const jobs = new Jobs((key) => {
    const [uid = key] = key.split('/');
    if (isThere(uid)) onEnd(uid);
    else jobs.forget(key);
  });
  volumes.subscribe((change) => {
    if (change.kind !== 'deleted') return;
    const { uid } = change.previous.metadata;
    for (const key of [uid, wipeKey(uid), deletionKey(uid)]) jobs.forget(key);
  });
  return jobs;
}
