import type { WmiNamespace } from '../cim/namespace.js';
import type { CimObject, Values } from '../cim/object.js';
import { mustFit, type Signatures, signatureOf } from '../cim/signature.js';
import type { Host } from '../model/host.js';
import { type Methods, meetReturn } from './methods.js';

interface Shown {
  instances(isMeant: (className: string) => boolean): readonly CimObject[];
  associated(of: CimObject): readonly (readonly [assocClass: string, other: CimObject])[];
  /** Where anything of it can be written. */
  readonly put?: (target: CimObject, given: Values) => boolean;
}

interface Doing {
  readonly methods: Methods;
  readonly signatures: Signatures;
}

/** The namespace of Hyper-V, in either version. */
export function virtualizationNamespace(host: Host, shown: Shown, { methods, signatures }: Doing, hasEvents: boolean): WmiNamespace {
  const { classes, namespace } = host.words;
  return {
    name: namespace,
    classes,
    instances: (className) => shown.instances((each) => classes.isA(each, className)),
    associated: (of) => shown.associated(of),
    async invoke(target, method, input) {
      const name = [target.className, classes.find(target.className)?.parent]
        .map((each) => `${each}.${method}`)
        .find((each) => each in methods);
      const [found, signature] = [methods[name ?? ''], signatures[name ?? '']];
      if (found === undefined || signature === undefined) return undefined;
      const fitting = mustFit(input, signatureOf(signature), classes);
      return meetReturn(host, method) ?? found(target, fitting);
    },
    put: (target, given) => shown.put?.(target, given) ?? false,
    listen: hasEvents ? host.listen : undefined,
  };
}
