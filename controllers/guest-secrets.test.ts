import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { graphicsSecretOf } from './guest-secrets.js';

const machine = (annotations: Record<string, string>, status: object): VirtualMachine =>
  ({
    metadata: { name: 'web', namespace: 'shop', annotations },
    spec: { devices: { graphics: { type: 'VNC' } } },
    status,
  }) as unknown as VirtualMachine;
const word = { 'virtwright.io/adopt': 'true' };
const hardware = { machine: 'pc' };
const made = { name: 'web-graphics', key: 'password' };

t.test('whose password a screen has, its mark decides and no annotation', async (t) => {
  t.strictSame(graphicsSecretOf(machine({}, {})), made);
  t.strictSame(graphicsSecretOf(machine(word, {})), undefined, 'about to be adopted, it has what it has');
  t.strictSame(graphicsSecretOf(machine(word, { hardware, adopted: true })), undefined);
  t.strictSame(graphicsSecretOf(machine({}, { hardware, adopted: true })), undefined, 'the annotation may go');
  t.strictSame(graphicsSecretOf(machine(word, { hardware })), made, 'one of ours has a password, whatever is written on it');
});
