/** What becomes of what others change on the host. `Enforce`: it is put back. `Observe`: it is told, and left. `Accept`: it counts from now on. */
export type DriftPolicy = 'Enforce' | 'Observe' | 'Accept';

export interface DriftWish {
  readonly policy: DriftPolicy;
  /** For these fields, and what is within them; the longest counts. */
  readonly rules?: readonly { readonly field: string; readonly policy: DriftPolicy }[];
}

/** A field that is not as it was last asked for, though the same is asked still: another hand has changed it. */
export interface Drifted {
  readonly field: string;
  /** What only `Running` machines have is gone with their next start. */
  readonly where: 'Definition' | 'Running';
  readonly declared: string;
  readonly found: string;
  readonly treatment: DriftPolicy;
  /** Put back so often that it is left until then. */
  readonly heldUntil?: number;
}

/** It is not changed, now. */
export const isLeft = ({ treatment, heldUntil }: Drifted): boolean => treatment !== 'Enforce' || heldUntil !== undefined;

/** It is left, and is not what somebody wants instead. */
export const isUnwanted = (one: Drifted): boolean => isLeft(one) && one.treatment !== 'Accept';

/** A field is one of those that a path leads to. */
export const isWithin = (field: string, path: string): boolean =>
  field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);

/** What the longest rule that fits says, or else the machine's policy. */
export const policyFor = (path: string, { policy, rules = [] }: DriftWish): DriftPolicy => {
  const fitting = rules.filter(({ field }) => isWithin(path, field));
  return fitting.reduce((best, rule) => (rule.field.length > best.field.length ? rule : best), { field: '', policy }).policy;
};

/** What was found, and what was asked. */
export const describeDrift = ({ field, found, declared }: Pick<Drifted, 'field' | 'found' | 'declared'>): string =>
  `${field}: ${found} found, ${declared} declared`;

export const becauseOf = (others: readonly Drifted[]): string =>
  others.length === 0 ? '' : `; another hand changed ${others.map(describeDrift).join('; ')}`;
