import { formatBytes } from '#crds/quantity.js';
import type { Capability } from '#drivers/driver.js';
import { beside, type IsAsked, refuses } from '#drivers/within.js';

/** What a definition asks of a host: which of the host's capabilities, where the manifest says so, and what. */
export interface Asked {
  /** As capabilities call it: `disks.bus`. */
  readonly field: string;
  /** Where it stands in the manifest: `spec.disks[root].bus`. */
  readonly path: string;
  /** Absent for what is merely asked to be there. */
  readonly given?: string | number;
}

export interface Unfit extends Asked {
  readonly accepted: string;
  /** The host wants it, and nothing is said of it. */
  readonly leftOut?: true;
}

/** The fields that a host with these capabilities cannot honour. Pure: placement, admission, status and plan all ask this. */
export function unfit(asked: readonly Asked[], capabilities: readonly Capability[]): readonly Unfit[] {
  return asked.flatMap((one) => {
    const told = capabilities.find(({ field }) => field === one.field);
    const capability = told && beside(told, isIn(asked));
    if (capability !== undefined && accepts(capability, one.given)) return [];
    return [{ ...one, accepted: capability === undefined ? 'nothing there' : describe(capability) }];
  });
}

const isIn =
  (asked: readonly Asked[]): IsAsked =>
  (field, value) =>
    asked.some((one) => one.field === field && one.given === value);

/** The same of a machine, which may also lack what the host must be told. */
export function unfitMachine(asked: readonly Asked[], capabilities: readonly Capability[]): readonly Unfit[] {
  const lacking = capabilities
    .map((capability) => beside(capability, isIn(asked)))
    .filter(({ field, required }) => required === true && !asked.some((one) => one.field === field));
  return [
    ...lacking.map(({ field, ...rest }) => ({
      field,
      path: `spec.${field}`,
      accepted: describe({ field, ...rest }),
      leftOut: true as const,
    })),
    ...unfit(asked, capabilities),
  ];
}

export const describeUnfit = ({ field, path, given, accepted, leftOut }: Unfit, host: string): string =>
  `${path}: ${leftOut ? 'left out' : given === undefined ? 'asked for' : `${inWords(field, given)} given`}, ${host} accepts ${accepted}`;

/** Sizes are reckoned in bytes and told as quantities. */
export const inWords = (field: string, value: string | number): string =>
  /size$/i.test(field) && typeof value === 'number' ? formatBytes(value) : String(value);

function accepts(capability: Capability, given: string | number | undefined): boolean {
  const { values, min, max } = capability;
  if (given === undefined) return !refuses(capability);
  return (
    (values === undefined || values.includes(String(given))) &&
    (min === undefined || Number(given) >= min) &&
    (max === undefined || Number(given) <= max)
  );
}

function describe(capability: Capability): string {
  const { field, values, min, max, reason } = capability;
  const bounds = [
    values?.join(', '),
    min === undefined ? undefined : `at least ${inWords(field, min)}`,
    max === undefined ? undefined : `at most ${inWords(field, max)}`,
  ];
  const accepted = bounds.filter((part) => part !== undefined && part !== '').join(', ') || (refuses(capability) ? 'nothing' : 'anything');
  return reason === undefined ? accepted : `${accepted} (${reason})`;
}
