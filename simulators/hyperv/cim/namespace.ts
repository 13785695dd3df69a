import type { Classes } from './class.js';
import type { CimObject, Values } from './object.js';

/** What a method is given: texts, objects that were referred to, or several of either. */
export type Argument = string | CimObject;
export type Input = Readonly<Record<string, readonly Argument[]>>;

/** What it gives back beside its parameters. */
export interface Output {
  readonly returnValue: number;
  readonly values?: Readonly<Record<string, Argument | readonly Argument[] | undefined>>;
}

export interface Happening {
  /** `__InstanceCreationEvent`, `__InstanceModificationEvent`, `__InstanceDeletionEvent`. */
  readonly eventClass: string;
  readonly target: CimObject;
}

/** One WMI namespace of a host. */
export interface WmiNamespace {
  /** As in URIs, e.g. `root/virtualization/v2`. */
  readonly name: string;
  readonly classes: Classes;
  /** All objects of that class, or of one beneath it. */
  instances(className: string): readonly CimObject[];
  /** What is associated with the object, and by which class. */
  associated(of: CimObject): readonly (readonly [assocClass: string, other: CimObject])[];
  invoke(target: CimObject, method: string, input: Input): Promise<Output | undefined>;
  /** Replaces values; false when the class cannot be written. */
  put(target: CimObject, values: Values): boolean;
  /** Undefined where the host sends none. */
  readonly listen: ((hear: (happening: Happening) => void) => () => void) | undefined;
}
