import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { createStore } from '../kubernetes/store.js';
import { indexes } from '../stores.js';
import { missingVolumes } from './missing.js';

const claimedBy = (machine: string, uid: string): Binder => {
  const volumes = createStore<StorageVolume, 'instance' | 'claim' | 'source'>({ indexes: indexes.volumes });
  volumes.set({
    metadata: { name: 'root', namespace: 'shop', uid: 'v', resourceVersion: '1' },
    spec: { size: '1Gi', reclaimPolicy: 'Retain' },
    status: { claim: { machine, uid } },
  } as unknown as StorageVolume);
  return { watched: { volumes: { store: volumes } } } as unknown as Binder;
};
const machine = (annotations: Record<string, string>, status: object = {}) =>
  ({
    metadata: { name: 'web', namespace: 'shop', uid: 'new', annotations },
    spec: { disks: [{ name: 'vda', volumeRef: { name: 'root' } }] },
    status,
  }) as unknown as VirtualMachine;
const adopt = { 'virtwright.io/adopt': 'true' };
const why = (binder: Binder, asked: VirtualMachine) => missingVolumes(binder, asked, new Map())?.message;

t.test('a disk of the machine that is to be adopted comes with it, whatever object had it before', async (t) => {
  t.equal(why(claimedBy('web', 'old'), machine(adopt)), undefined);
  t.equal(why(claimedBy('web', 'new'), machine({})), undefined);
});

t.test('any other claim stands', async (t) => {
  const inUse = (name: string) => new RegExp(`StorageVolume "root" is in use by machine "${name}"`);
  t.match(why(claimedBy('web', 'old'), machine({})), inUse('web'), 'it would be made, and write to it');
  t.match(why(claimedBy('web', 'old'), machine({ 'virtwright.io/adopt': 'false' })), inUse('web'));
  t.match(why(claimedBy('web', 'old'), machine(adopt, { hardware: {} })), inUse('web'), 'what was adopted is made anew');
  t.match(why(claimedBy('db', 'old'), machine(adopt)), inUse('db'));
});
