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

/** Of all states that ever were: those where a tool would not wait though it should, or the two kinds of tools do not agree. */
export async function misjudged(judge: Judge, states: readonly KubernetesObject[]): Promise<readonly string[]> {
  const verdicts = await judge(states, healthScripts);
  return states.flatMap((state, at) => {
    const { status, health } = verdicts[at] as Verdict;
    const expected = expectedOf(state);
    const what = `${state.kind} ${state.metadata.name}@${state.metadata.resourceVersion}`;
    return [
      ...(status === expected ? [] : [`${what} is ${status}, expected ${expected}: ${JSON.stringify(state)}`]),
      ...(health?.status === healthOf[status] ? [] : [`${what} is ${status} and ${health?.status}`]),
    ];
  });
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
