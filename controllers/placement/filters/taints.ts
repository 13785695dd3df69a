import type { Filter } from './filter.js';

interface Taint {
  readonly key: string;
  readonly value?: string;
}

export const taints: Filter = ({ machine }, { spec }) => {
  const tolerations: readonly Taint[] = machine.spec.placement?.tolerations ?? [];
  const left = (spec.taints ?? []).find((taint) => !tolerations.some((one) => tolerates(one, taint)));
  if (left === undefined) return undefined;
  return { reason: 'Taint', message: `its taint ${inWords(left)} is not among spec.placement.tolerations` };
};

/** Without a value it tolerates any. */
const tolerates = (toleration: Taint, { key, value }: Taint): boolean =>
  toleration.key === key && (toleration.value === undefined || toleration.value === value);

const inWords = ({ key, value }: Taint): string => (value === undefined ? `"${key}"` : `"${key}=${value}"`);
