import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import type { Judge, Verdict } from '#test/peers/judge.js';
import { healthScript, resources } from './kinds.js';
import { condition } from './world.js';

export const healthScripts = Object.fromEntries(Object.keys(resources).map((kind) => [kind, healthScript]));

export const healthOf: Partial<Record<Verdict['status'], string>> = {
  InProgress: 'Progressing',
  Terminating: 'Progressing',
  Current: 'Healthy',
  Failed: 'Degraded',
};

/** What else is told of objects: tools that wait leave it alone. */
export const otherConditions: readonly string[] = [
  'AddressKnown',
  'ComputeSynced',
  'Connected',
  'Evacuating',
  'GuestAgentConnected',
  'NetworkSynced',
  'OutOfService',
  'PowerSynced',
  'RestartRequired',
];

/** Of all states that ever were: those where a tool would not wait though it should, or the two kinds of tools do not agree. */
export async function misjudged(judge: Judge, recorded: readonly KubernetesObject[]): Promise<readonly string[]> {
  // More are recorded while they are judged.
  const states = [...recorded];
  const verdicts = await judge(states, healthScripts);
  return states.flatMap((state, at) => {
    const { status, health } = verdicts[at] as Verdict;
    const expected = expectedOf(state);
    const what = `${state.kind} ${state.metadata.name}@${state.metadata.resourceVersion}`;
    return [
      ...(status === expected ? [] : [`${what} is ${status}, expected ${expected}: ${JSON.stringify(state)}`]),
      ...(health?.status === healthOf[status] ? [] : [`${what} is ${status} and ${health?.status}`]),
      ...unheardOf(state).map((type) => `${what} has a condition ${type}, which test/gitops/states.test.ts does not know`),
    ];
  });
}

const conditionsOf = ({ status }: KubernetesObject): readonly { readonly type: string; readonly reason: string }[] =>
  (status as { readonly conditions?: readonly { readonly type: string; readonly reason: string }[] } | undefined)?.conditions ?? [];

const unheardOf = (state: KubernetesObject): readonly string[] =>
  conditionsOf(state)
    .map(({ type }) => type)
    .filter((type) => !['Ready', 'Reconciling', 'Stalled', ...otherConditions].includes(type));

/** What tools made of objects that stood so, as `VirtualMachine Evacuating`: of those that are to stay, once their newest wish was looked at. */
export async function verdictsOn(judge: Judge, states: readonly KubernetesObject[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const verdicts = await judge(states, healthScripts);
  const found = new Map<string, Set<string>>();
  for (const [at, state] of states.entries()) {
    const { observedGeneration } = (state.status ?? {}) as { readonly observedGeneration?: number };
    const reason = conditionsOf(state).find(({ type }) => type === 'Ready')?.reason;
    const isOld = observedGeneration !== state.metadata.generation || state.metadata.deletionTimestamp !== undefined;
    if (reason === undefined || isOld) continue;
    const key = `${state.kind} ${reason}`;
    found.set(key, (found.get(key) ?? new Set()).add(verdicts[at]?.status ?? ''));
  }
  return Object.fromEntries([...found].map(([key, seen]) => [key, [...seen]]));
}

/** In words of our own: whoever has not seen the newest wish knows nothing of it. */
function expectedOf(state: KubernetesObject): Verdict['status'] {
  const { observedGeneration } = (state.status ?? {}) as { readonly observedGeneration?: number };
  if (state.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (observedGeneration !== state.metadata.generation) return 'InProgress';
  const is = (type: string) => condition(state as Parameters<typeof condition>[0], type)?.status === 'True';
  if (is('Ready')) return 'Current';
  return is('Stalled') ? 'Failed' : 'InProgress';
}
