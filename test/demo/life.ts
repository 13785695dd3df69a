import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import type { Test } from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { condition, type World } from '#test/cluster/world.js';

/** What of the demo differs from one hypervisor to the next: the file in `manifests/blocks`. */
export type Block = 'qemu' | 'lxc' | 'xen-pv' | 'xen-pvh';

/** A host that runs the demo, with the operator at work on it. */
export interface DemoStage {
  readonly world: World;
  readonly block: Block;
  /** What stands for WORDS in the block, as the words of a kernel's command line. */
  readonly words?: string;
  /** Types on the machine's console until something like the answer was heard. */
  told(machine: VirtualMachine, command: string, answer: RegExp): Promise<unknown>;
  /** Has the guest ask for its address, where it does not by itself for long enough. */
  asksAgain?(machine: VirtualMachine): Promise<unknown>;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly [field: string]: unknown };
}

const read = (name: string): string => readFileSync(new URL(`../../../test/demo/manifests/${name}.yaml`, import.meta.url), 'utf8');

export function demoMachine({ block, words = '' }: Pick<DemoStage, 'block' | 'words'>, change: object = {}): Manifest {
  const machine = load(read('machine')) as Manifest;
  const its = load(read(`blocks/${block}`).replaceAll('WORDS', JSON.stringify(words))) as object;
  return { ...machine, spec: { ...machine.spec, ...its, ...change } };
}

const slow = { timeoutMs: 300_000 };
const isReady = (seen: VirtualMachine): boolean => condition(seen, 'Ready')?.status === 'True';
const addresses = ({ status }: VirtualMachine) => status?.interfaces?.flatMap(({ addresses: its = [] }) => its.map(({ ip }) => ip)) ?? [];
const isAddressed = (seen: VirtualMachine) => isReady(seen) && addresses(seen).some((ip) => /^10\.77\.0\.1\d\d$/.test(ip));

/** From kubectl apply to a guest with an address, restarted, changed and deleted, on whatever hypervisor. */
export async function demoLife(t: Test, stage: DemoStage): Promise<void> {
  const { world } = stage;
  const until = (isSo: (seen: VirtualMachine) => boolean) => world.until('VirtualMachine', 'demo', isSo, slow);
  const addressed = async (isSo: (seen: VirtualMachine) => boolean) => {
    await stage.asksAgain?.(await until((seen) => isReady(seen) && isSo(seen)));
    return until((seen) => isAddressed(seen) && isSo(seen));
  };

  await t.test('applied, it runs, has an address from its network, and its guest answers', async () => {
    await world.apply(load(read('network')) as object, demoMachine(stage));
    await stage.told(await addressed(() => true), '', /virtwright guest ready: demo/);
  });

  await t.test('applied again, nothing changes', async (t) => {
    const { metadata } = await until(isAddressed);
    await world.apply(demoMachine(stage));
    t.equal((await world.get('VirtualMachine', 'demo'))?.metadata.generation, metadata.generation);
  });

  await t.test('restarted, it is at its second boot, with the addresses that it had', async (t) => {
    const before = addresses(await until(isAddressed));
    const spec = { machineRef: { name: 'demo' }, verb: 'Restart' };
    const name = `demo-again-${stage.block}`;
    await world.apply({ kind: 'VirtualMachineAction', metadata: { name, namespace: 'default' }, spec });
    const action = await world.until('VirtualMachineAction', name, ({ status }) => status?.outcome !== undefined, slow);
    t.equal(action.status?.outcome, 'Succeeded');
    const again = await addressed((seen) => seen.status?.run?.bootId === '2');
    t.same(addresses(again), before);
  });

  await t.test('with less memory, it gets less while it runs', async (t) => {
    await world.apply(demoMachine(stage, { memory: { size: '112Mi' } }));
    const changed = await until(
      (seen) =>
        isReady(seen) && seen.status?.observedGeneration === seen.metadata.generation && (seen.status?.pendingChanges ?? []).length === 0,
    );
    t.equal(changed.status?.run?.bootId, '2');
  });

  await t.test('deleted, it is gone', async () => {
    await world.delete('VirtualMachine', 'demo');
    await gone(world);
  });
}

async function gone(world: World): Promise<void> {
  for (const end = Date.now() + 180_000; (await world.get('VirtualMachine', 'demo')) !== undefined; await sleep(200))
    if (Date.now() > end) throw new Error('the demo never went away');
}
