import fc from 'fast-check';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import { Ledger, type Reservation, type Usage } from './ledger.js';

const machine = (name: string, version: number, host?: string, memory = '1Gi'): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: `${version}`,
    generation: 1,
    creationTimestamp: '2030-01-01T00:00:00Z',
  },
  spec: { runStrategy: 'Always', stop: { mode: 'TrySoft', timeoutSeconds: 120 }, cpu: { count: 1 }, memory: { size: memory } },
  ...(host === undefined ? {} : { status: { hypervisor: host } }),
});
const Gi = 2 ** 30;

t.test('room is taken from the choice on, and given back once the binding surely was not written', async (t) => {
  const store = createStore<VirtualMachine>();
  const ledger = new Ledger(store);
  const freed: string[] = [];
  ledger.onRoom((host) => freed.push(host));
  store.set(machine('web', 1));
  const reservation = ledger.reserve(machine('web', 1), 'a');
  t.match(ledger.usage('a'), { memoryBytes: Gi, machines: 1 });
  t.match(ledger.usage('a', 'web'), { memoryBytes: 0, machines: 0 }, 'its own room is not in its way');
  store.set(machine('web', 2, 'a'));
  t.match(ledger.usage('a'), { memoryBytes: Gi, machines: 1 }, 'it is counted once');
  reservation.release();
  t.match(ledger.usage('a'), { memoryBytes: Gi, machines: 1 });
  t.same(freed, []);
  store.set(machine('web', 3, 'a', '512Mi'));
  t.equal(ledger.usage('a').memoryBytes, Gi / 2);
  store.delete('shop/web');
  t.match(ledger.usage('a'), { memoryBytes: 0, machines: 0 });
  ledger.reserve(machine('db', 1), 'a').release();
  t.same(freed, ['a', 'a', 'a'], 'it shrank, it went, and the other was not bound after all');
});

t.test('where nobody knows whether a binding was written, room is kept until the machine shows it', async (t) => {
  const store = createStore<VirtualMachine>();
  const ledger = new Ledger(store);
  store.set(machine('web', 5));
  ledger.reserve(machine('web', 5), 'a').linger('5');
  t.equal(ledger.usage('a').machines, 1);
  store.replace([machine('web', 5)]);
  t.equal(ledger.usage('a').machines, 1, 'nothing new is known');
  const second = ledger.reserve(machine('web', 5), 'b');
  t.same([ledger.usage('a').machines, ledger.usage('b').machines], [1, 1], 'it may be on either');
  store.set(machine('web', 6, 'a'));
  second.release();
  t.same([ledger.usage('a').machines, ledger.usage('b').machines], [1, 0]);
  store.set(machine('web', 7));
  t.equal(ledger.usage('a').machines, 0);
});

/** What is to be counted, from all there is, without any memory of how it came about. */
type Step =
  | { readonly kind: 'set'; readonly name: string; readonly host: string | undefined; readonly memory: number }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'reserve'; readonly name: string; readonly host: string }
  | { readonly kind: 'release'; readonly nth: number };
const names = fc.constantFrom('m1', 'm2', 'm3', 'm4');
const hosts = fc.constantFrom('a', 'b', 'c');
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name: names, host: fc.option(hosts, { nil: undefined }), memory: fc.nat(9) }),
    fc.record({ kind: fc.constant('delete' as const), name: names }),
    fc.record({ kind: fc.constant('reserve' as const), name: names, host: hosts }),
    fc.record({ kind: fc.constant('release' as const), nth: fc.nat(5) }),
  ),
  { maxLength: 60 },
);

t.test('counted step by step it is what it is when all is counted anew', async () => {
  fc.assert(
    fc.property(steps, (given) => {
      const store = createStore<VirtualMachine>();
      const ledger = new Ledger(store);
      const held: { name: string; host: string; bytes: number; reservation: Reservation }[] = [];
      for (const [index, step] of given.entries()) {
        if (step.kind === 'set') store.set(machine(step.name, index + 1, step.host, `${step.memory}Gi`));
        if (step.kind === 'delete') store.delete(`shop/${step.name}`);
        if (step.kind === 'reserve') {
          const one = store.get(`shop/${step.name}`) ?? machine(step.name, index + 1);
          const bytes = Number.parseInt(String(one.spec.memory.size), 10) * Gi;
          held.push({ name: step.name, host: step.host, bytes, reservation: ledger.reserve(one, step.host) });
        }
        if (step.kind === 'release') for (const { reservation } of held.splice(step.nth, 1)) reservation.release();
        for (const host of ['a', 'b', 'c']) {
          const its = new Map<string, number>();
          for (const { metadata, spec, status } of store.list())
            if (status?.hypervisor === host) its.set(metadata.name, Number.parseInt(String(spec.memory.size), 10) * Gi);
          for (const one of held) if (one.host === host) its.set(one.name, Math.max(its.get(one.name) ?? 0, one.bytes));
          const expected: Pick<Usage, 'memoryBytes' | 'machines'> = {
            machines: its.size,
            memoryBytes: [...its.values()].reduce((sum, bytes) => sum + bytes, 0),
          };
          const { machines, memoryBytes } = ledger.usage(host);
          if (machines !== expected.machines || memoryBytes !== expected.memoryBytes)
            throw new Error(
              `on ${host}: counted ${machines} with ${memoryBytes}, there are ${expected.machines} with ${expected.memoryBytes}`,
            );
        }
      }
    }),
  );
});
