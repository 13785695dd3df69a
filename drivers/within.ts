import type { Capability } from './driver.js';

/** Whether another field is asked to be this. */
export type IsAsked = (field: string, value: string) => boolean;

/** What a host accepts in a field beside what else is asked. */
export function beside({ within, ...alone }: Capability, isAsked: IsAsked): Capability {
  const found = within?.find(({ field, value }) => isAsked(field, value));
  if (found === undefined) return alone;
  const { values: _, required, reason: __, ...rest } = alone;
  return {
    ...rest,
    ...(found.values === undefined ? {} : { values: found.values }),
    ...(required === true && found.required !== false ? { required } : {}),
    reason: `with ${found.field} ${found.value}`,
  };
}

/** No word is accepted: nor is the field where it takes no words. */
export const refuses = ({ values }: Capability): boolean => values?.length === 0;
