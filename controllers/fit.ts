import type { Capability } from '#drivers/driver.js';

/** What a definition asks, field by field, in the words of the API. */
export type Asked = Readonly<Record<string, string | number>>;

export interface Unfit {
  readonly field: string;
  readonly given: string | number;
  readonly accepted: string;
}

/** The fields that a host with these capabilities cannot honour. Pure: placement, admission, status and plan all ask this. */
export function unfit(asked: Asked, capabilities: readonly Capability[]): readonly Unfit[] {
  return Object.entries(asked).flatMap(([field, given]) => {
    const capability = capabilities.find((one) => one.field === field);
    if (capability !== undefined && accepts(capability, given)) return [];
    return [{ field, given, accepted: capability === undefined ? 'nothing' : describe(capability) }];
  });
}

export const describeUnfit = ({ field, given, accepted }: Unfit, host: string): string =>
  `spec.${field}: ${given} given, ${host} accepts ${accepted}`;

const accepts = ({ values, min, max }: Capability, given: string | number): boolean =>
  (values === undefined || values.includes(String(given))) &&
  (min === undefined || Number(given) >= min) &&
  (max === undefined || Number(given) <= max);

function describe({ values, min, max, reason }: Capability): string {
  const bounds = [values?.join(', '), min === undefined ? undefined : `at least ${min}`, max === undefined ? undefined : `at most ${max}`];
  const accepted = bounds.filter((part) => part !== undefined && part !== '').join(', ') || 'anything';
  return reason === undefined ? accepted : `${accepted} (${reason})`;
}
